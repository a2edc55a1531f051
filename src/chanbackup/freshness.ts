import type { Clock } from "../runtime/clock.ts";

/** The backup that a swapper holds, as far as its age is concerned. */
export interface HeldBackup {
  /** Tells it from every other one. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/**
 * How old the saved backup is. What this process knows outranks what clocks say: other writers' may be
 * wrong, and its own may jump.
 */
export class Freshness {
  readonly #clock: Clock;
  /** The backup that was current last; before any was seen, a stand-in made with this process. */
  #seen: HeldBackup;
  /** Since when we know it, by the monotonic clock. */
  #sinceMs: number;
  #hasSeen = false;
  #swaps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#seen = { id: "", savedAt: clock.now() };
    this.#sinceMs = clock.monotonicMs();
  }

  /** A backup was saved just now; `id` is null if nothing tells it from others. */
  saved(id: string | null): void {
    this.#swaps += 1;
    this.#take({ id: id ?? `swap ${this.#swaps}`, savedAt: this.#clock.now() });
  }

  /** This backup is current. */
  see(held: HeldBackup): void {
    if (held.id === this.#seen.id) return;
    this.#take({ id: held.id, savedAt: this.#clock.now() - this.ageMs(held) });
  }

  /**
   * Of this backup; null for the one that was current last. A time in the future is wrong, not young.
   * One that has replaced what was current is not older than that we know; and one that we know is
   * not younger, whatever became of the wall clock.
   */
  ageMs(held: HeldBackup | null): number {
    const knownMs = this.#clock.monotonicMs() - this.#sinceMs;
    const nowMs = this.#clock.now();
    if (held === null || held.id === this.#seen.id) {
      return Math.max(nowMs - this.#seen.savedAt, knownMs);
    }
    const byWallMs = Math.abs(nowMs - held.savedAt);
    return this.#hasSeen ? Math.min(byWallMs, knownMs) : byWallMs;
  }

  #take(seen: HeldBackup): void {
    this.#seen = seen;
    this.#sinceMs = this.#clock.monotonicMs();
    this.#hasSeen = true;
  }
}
