import type { Clock } from "../runtime/clock.ts";
import type { DaemonEvent, StoreEvent } from "./daemon-event.ts";

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
  readonly #toldAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isWorthTelling(event: DaemonEvent | StoreEvent): boolean {
    // A look, a verdict or a wait while the store is in trouble doesn't show that it is over.
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

/** What comes again and again: a try that failed, and a refusal that could not be kept. */
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
