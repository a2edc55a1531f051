import type { Base } from "../repository/base.ts";
import { ScbError } from "../runtime/error.ts";

interface Reached {
  readonly sequence: number;
  readonly key: string;
  /** Which operation made the pointer; null without a pointer. */
  readonly operation: string | null;
}

/**
 * How far the store had come, as this process saw or made it. A pointer behind that is no ordinary
 * base: somebody restored an older folder, and what was committed since is lost there.
 */
export class HighWaterMark {
  readonly #location: string;
  #reached: Reached | null = null;
  #setback: ScbError | null = null;

  /** `location`: of the node's folder, for the message. */
  constructor(location: string) {
    this.#location = location;
  }

  /** Takes note of a base that was read from the store, or that our own commit made. */
  see(base: Base): void {
    const { held } = base;
    const reached = this.#reached;
    const operation = base.kind === "pointer" ? base.pointer.operation : null;
    this.#reached = held && { sequence: held.sequence, key: held.key, operation };
    if (reached === null) return;
    const isBehind = held === null || held.sequence < reached.sequence;
    const isOther = held?.sequence === reached.sequence && held.key !== reached.key;
    if (!isBehind && !isOther && !hasForgotten(base, reached)) return;
    const now = held === null ? "nothing" : held.key;
    if (isOther && base.kind === "newest") {
      this.#setback ??= new ScbError(
        "went-back",
        `${this.#location} has two versions of sequence ${reached.sequence}: ${reached.key}, which this mirror knows, and ${now}, which is taken for the newer: another scb-mirror writes there, and an append-only store can't keep the two apart; nothing is lost, and the node's state is saved anew: stop one of them, and look at scb-mirror list`,
      );
      return;
    }
    this.#setback ??= new ScbError(
      "went-back",
      `${this.#location} went back: it held sequence ${reached.sequence} (${reached.key}) and names ${now} now, so somebody restored an older folder, or the store doesn't keep what it acknowledges; the node's state is saved on top of that: find out who writes there, and look at scb-mirror verify`,
    );
  }

  /** The alarm that hasn't been told yet, once. */
  takeSetback(): ScbError | null {
    const setback = this.#setback;
    this.#setback = null;
    return setback;
  }
}

/**
 * Whether a pointer further on doesn't remember what was reached, though it remembers that far back:
 * other mirrors have gone on from the older folder. `repair` adds an operation that is no swap.
 */
function hasForgotten(base: Base, { sequence, operation }: Reached): boolean {
  if (base.kind !== "pointer" || operation === null) return false;
  const { recentOperations } = base.pointer;
  const swapsSince = base.pointer.sequence - sequence;
  return swapsSince < recentOperations.length - 1 && !recentOperations.includes(operation);
}
