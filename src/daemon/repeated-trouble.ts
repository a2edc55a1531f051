import type { Clock } from "../runtime/clock.ts";
import type { ErrorCode } from "../runtime/error.ts";
import type { DaemonEvent } from "./daemon-event.ts";

/** So many tries are told one by one: what passes soon is over by then. */
const toldOneByOne = 3;
const remindAfterMs = 60_000;

/**
 * Keeps an outage of hours from filling logs and disks: a store is tried again about once a second.
 * The first tries are told, then one a minute for each kind of trouble, until something else shows
 * that it is over.
 */
export class RepeatedTrouble {
  readonly #clock: Clock;
  readonly #toldAtMs = new Map<ErrorCode, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isWorthTelling(event: DaemonEvent): boolean {
    if (event.kind !== "retrying") {
      this.#toldAtMs.clear();
      return true;
    }
    const nowMs = this.#clock.monotonicMs();
    const toldAtMs = this.#toldAtMs.get(event.error.code);
    const isRepeated = event.attempt > toldOneByOne && toldAtMs !== undefined;
    if (isRepeated && nowMs - toldAtMs < remindAfterMs) return false;
    this.#toldAtMs.set(event.error.code, nowMs);
    return true;
  }
}
