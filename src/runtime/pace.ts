import type { Clock } from "./clock.ts";

/** So many swaps follow each other at once: the pairs of events that are common are not slowed. */
const freeSwaps = 3;

/**
 * Lets a few swaps through at once, and then one for each interval, so that a burst of events ends
 * in few. Source: the generic cell rate algorithm.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #paidUntilMs = -Infinity;

  /** `intervalMs` 0 lets all through. */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How long the next swap has to wait; 0 or less for not at all. */
  get waitMs(): number {
    return this.#paidUntilMs - (freeSwaps - 1) * this.#intervalMs - this.#clock.monotonicMs();
  }

  /** A swap was made. */
  count(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + this.#intervalMs;
  }
}
