import type { Base } from "../repository/base.ts";
import { ScbError } from "../runtime/error.ts";

interface Reached {
  readonly sequence: number;
  readonly key: string;
  /** The operation that wrote the pointer; null without a pointer. */
  readonly operation: string | null;
}

/**
 * How far the store's history had come, as this process saw or made it. A pointer behind that is no
 * ordinary base: someone restored an older folder, and commits made since are lost there.
 */
export class HighWaterMark {
  readonly #location: string;
  #reached: Reached | null = null;
  #setback: ScbError | null = null;

  /** `location` is the node's folder, for messages. */
  constructor(location: string) {
    this.#location = location;
  }

  /** Records a base that was read from the store or made by our own commit. */
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
        `${this.#location} has two versions of sequence ${reached.sequence}: ${reached.key}, which this mirror knows, and ${now}, which counts as the newer. Another scb-mirror writes there, and an append-only store can't coordinate two. Nothing is lost, and this mirror saves the node's state again. Stop one of the two, then check scb-mirror list`,
      );
      return;
    }
    this.#setback ??= new ScbError(
      "went-back",
      `${this.#location} went back: it held sequence ${reached.sequence} (${reached.key}) and now names ${now}. Someone restored an older folder, or the store doesn't keep what it acknowledges. This mirror saves the node's state on top of that. Find out who else writes there, then run scb-mirror verify`,
    );
  }

  /** Returns a setback that hasn't been reported yet, once. */
  takeSetback(): ScbError | null {
    const setback = this.#setback;
    this.#setback = null;
    return setback;
  }
}

/**
 * Whether a later pointer doesn't list what was reached, although its list goes back that far: then other
 * mirrors continued from the older folder. `repair` adds an operation that is no swap.
 */
function hasForgotten(base: Base, { sequence, operation }: Reached): boolean {
  if (base.kind !== "pointer" || operation === null) return false;
  const { recentOperations } = base.pointer;
  const swapsSince = base.pointer.sequence - sequence;
  return swapsSince < recentOperations.length - 1 && !recentOperations.includes(operation);
}
