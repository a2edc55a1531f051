import type { Clock } from "./clock.ts";

/** This many swaps may follow each other immediately, so that common pairs of events aren't slowed. */
const freeSwaps = 3;

/**
 * Lets a few swaps through immediately, then one per interval, so that a burst of events needs few swaps.
 * Source: the generic cell rate algorithm.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #paidUntilMs = -Infinity;

  /** An `intervalMs` of 0 lets every swap through. */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How long the next swap must wait; 0 or less for not at all. */
  get waitMs(): number {
    return this.#paidUntilMs - (freeSwaps - 1) * this.#intervalMs - this.#clock.monotonicMs();
  }

  /** Records a swap. */
  count(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + this.#intervalMs;
  }
}
