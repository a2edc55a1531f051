import type { Base } from "../repository/base.ts";
import { ScbError } from "../runtime/error.ts";

/**
 * How far the store had come, as this process saw or made it. A pointer behind that is no ordinary
 * base: somebody restored an older folder, and what was committed since is lost there.
 */
export class HighWaterMark {
  readonly #location: string;
  #reached: { readonly sequence: number; readonly key: string } | null = null;
  #setback: ScbError | null = null;

  /** `location`: of the node's folder, for the message. */
  constructor(location: string) {
    this.#location = location;
  }

  /** Takes note of a base that was read from the store, or that our own commit made. */
  see({ held }: Base): void {
    const reached = this.#reached;
    this.#reached = held && { sequence: held.sequence, key: held.key };
    if (reached === null) return;
    const isBehind = held === null || held.sequence < reached.sequence;
    const isOther = held?.sequence === reached.sequence && held.key !== reached.key;
    if (!isBehind && !isOther) return;
    const now = held === null ? "nothing" : held.key;
    this.#setback ??= new ScbError(
      "went-back",
      `${this.#location} went back: it held sequence ${reached.sequence} (${reached.key}) and names ${now} now, so somebody restored an older folder; the node's state is saved on top of that: find out who writes there, and look at scb-mirror verify`,
    );
  }

  /** The alarm that hasn't been told yet, once. */
  takeSetback(): ScbError | null {
    const setback = this.#setback;
    this.#setback = null;
    return setback;
  }
}
