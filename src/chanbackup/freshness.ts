import type { Clock } from "../runtime/clock.ts";

/** The backup that a swapper holds, as far as its age matters. */
export interface HeldBackup {
  /** Distinguishes it from every other backup. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/**
 * The age of the saved backup. What this process knows outranks what clocks say: other writers' clocks
 * may be wrong, and its own may jump.
 */
export class Freshness {
  readonly #clock: Clock;
  /**
   * The backup that was last current. Before any was seen, a placeholder made when this process started.
   */
  #seen: HeldBackup;
  /** Since when it is known. Monotonic. */
  #sinceMs: number;
  #hasSeen = false;
  #swaps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#seen = { id: "", savedAt: clock.now() };
    this.#sinceMs = clock.monotonicMs();
  }

  /** A backup was saved just now. `id` is null if nothing distinguishes it from others. */
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
   * The age of this backup; null means the one last current. A time in the future is wrong, not recent. A
   * backup that replaced the current one is no older than our knowledge of it, and a known backup is no
   * younger than that, whatever happened to the wall clock.
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
