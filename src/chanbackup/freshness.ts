import type { Clock } from "../runtime/clock.ts";

/** The backup that a swapper holds, as far as its age is concerned. */
export interface HeldBackup {
  /** Tells it from every other one. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/** How old the saved backup is, by every clock that was ever asked. */
export class Freshness {
  readonly #clock: Clock;
  #seen: HeldBackup;
  /** Since when we know it, by the monotonic clock. */
  #sinceMs: number;
  #swaps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#seen = { id: "", savedAt: clock.now() };
    this.#sinceMs = clock.monotonicMs();
  }

  /** A backup was saved just now; `id` is null if nothing tells it from others. */
  saved(id: string | null): void {
    this.#swaps += 1;
    this.see({ id: id ?? `swap ${this.#swaps}`, savedAt: this.#clock.now() });
  }

  see(held: HeldBackup): void {
    if (held.id === this.#seen.id) return;
    this.#seen = held;
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /**
   * Of this backup; null for the one that was seen last, or for this process before any was. A wall
   * clock that was set back makes nothing younger than the time for which we know it, what is due for
   * a refresh by one reading is due by all, and a time in the future is wrong, not young.
   */
  ageMs(held: HeldBackup | null): number {
    const nowMs = this.#clock.now();
    const { id, savedAt } = held ?? this.#seen;
    const byThisMs = Math.abs(nowMs - savedAt);
    if (id !== this.#seen.id) return byThisMs;
    const knownMs = this.#clock.monotonicMs() - this.#sinceMs;
    return Math.max(byThisMs, nowMs - this.#seen.savedAt, knownMs);
  }
}
