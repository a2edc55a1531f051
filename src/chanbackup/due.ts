import { abortable } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ScbError } from "../runtime/error.ts";
import { type SnapshotReason, weightierReason } from "./snapshot.ts";

/** What has to be saved, as an attempt takes it up. */
export interface Due {
  /** The most important reason among all that isn't saved yet. */
  readonly reason: SnapshotReason;
  /** Grows whenever something becomes due. */
  readonly revision: number;
  /** When the first of it became due. Monotonic. */
  readonly sinceMs: number;
}

/**
 * Folds everything due into one, so that nothing piles up in an outage. An attempt takes it up; what
 * becomes due later is left for the next attempt. Callers waiting for a revision learn what became of it.
 */
export class DueState {
  readonly #clock: Clock;
  #fresh: Due | null = null;
  /** What an attempt took up and hasn't settled. */
  #taken: Due | null = null;
  #revision = 0;
  #settledRevision = 0;
  #savedRevision = 0;
  #refusal: ScbError | null = null;
  /** Resolves with each answer, and is then replaced. */
  #answer = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null if nothing is due. */
  get reason(): SnapshotReason | null {
    return fold(this.#taken, this.#fresh)?.reason ?? null;
  }

  /** The revision of what became due last. */
  get revision(): number {
    return this.#revision;
  }

  /** The newest revision known to be saved. */
  get savedRevision(): number {
    return this.#savedRevision;
  }

  mark(reason: SnapshotReason): number {
    this.#revision += 1;
    const mark = { reason, revision: this.#revision, sinceMs: this.#clock.monotonicMs() };
    this.#fresh = fold(this.#fresh, mark);
    return this.#revision;
  }

  take(): Due {
    this.#taken = fold(this.#taken, this.#fresh);
    this.#fresh = null;
    return this.taken;
  }

  /** What was taken up last. */
  get taken(): Due {
    const { revision } = this;
    return this.#taken ?? { reason: "start", revision, sinceMs: this.#clock.monotonicMs() };
  }

  /** `revision` is saved, or a guard refused it. */
  settle(revision: number, refusal: ScbError | null): void {
    if (this.#taken !== null && this.#taken.revision <= revision) this.#taken = null;
    this.#settledRevision = Math.max(this.#settledRevision, revision);
    if (refusal === null) this.#savedRevision = Math.max(this.#savedRevision, revision);
    this.#refusal = refusal;
    this.#answer.resolve();
    this.#answer = Promise.withResolvers();
  }

  /** What is due isn't worth waiting for. */
  drop(): void {
    this.#fresh = null;
    this.#taken = null;
  }

  /** Resolves when `revision` is saved. Rejects with its refusal. When `signal` aborts, the wait ends. */
  async saved(revision: number, signal?: AbortSignal): Promise<void> {
    while (this.#settledRevision < revision) await abortable(this.#answer.promise, signal);
    if (this.#savedRevision < revision && this.#refusal !== null) throw this.#refusal;
  }
}

function fold(held: Due | null, next: Due | null): Due | null {
  if (held === null || next === null) return held ?? next;
  const reason = weightierReason(held.reason, next.reason);
  return { reason, revision: next.revision, sinceMs: held.sinceMs };
}
