import { abortable } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ScbError } from "../runtime/error.ts";
import { type SnapshotReason, weightierReason } from "./snapshot.ts";

/** What has to be saved, as an attempt takes it up. */
export interface Due {
  /** The weightiest of all that isn't saved yet. */
  readonly reason: SnapshotReason;
  /** Grows with each thing that becomes due. */
  readonly revision: number;
  /** When the first of it became due, by the monotonic clock. */
  readonly sinceMs: number;
}

/**
 * What is due, folded into one: in an outage nothing piles up. An attempt takes it up, and what
 * becomes due after that is left for the next one. Whoever waits for a revision hears what became of
 * it.
 */
export class DueState {
  readonly #clock: Clock;
  #fresh: Due | null = null;
  /** What an attempt has taken up and not settled. */
  #taken: Due | null = null;
  #revision = 0;
  #settledRevision = 0;
  #savedRevision = 0;
  #refusal: ScbError | null = null;
  /** Resolves, and is replaced, with each answer. */
  #answer = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null if nothing is due. */
  get reason(): SnapshotReason | null {
    return fold(this.#taken, this.#fresh)?.reason ?? null;
  }

  /** Of the newest thing that became due. */
  get revision(): number {
    return this.#revision;
  }

  /** Of the newest thing that is known to be saved. */
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

  /** What was taken up as `revision` is saved, or a guard has refused it. */
  settle(revision: number, refusal: ScbError | null): void {
    if (this.#taken !== null && this.#taken.revision <= revision) this.#taken = null;
    this.#settledRevision = Math.max(this.#settledRevision, revision);
    if (refusal === null) this.#savedRevision = Math.max(this.#savedRevision, revision);
    this.#refusal = refusal;
    this.#answer.resolve();
    this.#answer = Promise.withResolvers();
  }

  /** Nothing of it is worth waiting for. */
  drop(): void {
    this.#fresh = null;
    this.#taken = null;
  }

  /** Resolves when `revision` is saved. Rejects with its refusal; when `signal` aborts the wait ends. */
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
