import type { Clock } from "../runtime/clock.ts";
import type { DaemonEvent, StoreEvent } from "./daemon-event.ts";

/** This many tries are reported one by one: short trouble is over by then. */
const toldOneByOne = 3;
const remindAfterMs = 60_000;

/**
 * Keeps an outage of hours from filling logs and disks, since a store is retried about once a second.
 * Reports the first tries, then one a minute for each kind of trouble, until an event shows that the
 * trouble is over.
 */
export class RepeatedTrouble {
  readonly #clock: Clock;
  readonly #toldAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isWorthTelling(event: DaemonEvent | StoreEvent): boolean {
    // A read-back, verdict or wait during trouble doesn't show that the trouble is over.
    if (["verdict", "confirmed", "waiting"].includes(event.kind)) return true;
    const trouble = troubleOf(event);
    if (trouble === null) {
      this.#toldAtMs.clear();
      return true;
    }
    const nowMs = this.#clock.monotonicMs();
    const toldAtMs = this.#toldAtMs.get(trouble.kind);
    const isRepeated = !trouble.isEarly && toldAtMs !== undefined;
    if (isRepeated && nowMs - toldAtMs < remindAfterMs) return false;
    this.#toldAtMs.set(trouble.kind, nowMs);
    return true;
  }
}

/** Events that repeat: a failed try, and a refusal whose backup could not be quarantined. */
function troubleOf(
  event: DaemonEvent | StoreEvent,
): { readonly kind: string; readonly isEarly: boolean } | null {
  if (event.kind === "retrying") {
    return { kind: event.error.code, isEarly: event.attempt <= toldOneByOne };
  }
  if (event.kind === "refused" && event.quarantineKey === null) {
    return { kind: `refused as ${event.code}`, isEarly: false };
  }
  return null;
}
