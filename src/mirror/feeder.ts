import {
  type SnapshotReason,
  type SnapshotSource,
  weightierReason,
} from "../chanbackup/snapshot.ts";
import { type Base, isSameBase } from "../repository/base.ts";
import { backoffMs, contentionMs, defaultBackoff, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { Pace } from "../runtime/pace.ts";
import type { Random } from "../runtime/random.ts";
import { type Candidate, candidateFromSnapshot } from "./candidate.ts";
import type { MirrorObserver } from "./events.ts";
import type { ObjectStoreSwapper } from "./object-store-swapper.ts";
import { RefusedError } from "./quarantine.ts";
import { isPassing } from "./retry-policy.ts";
import type { SwapOperation } from "./swap-operation.ts";

export interface FeederOptions {
  readonly source: SnapshotSource;
  readonly swapper: ObjectStoreSwapper;
  /** A version older than this is saved anew, with fresh addresses, even if no channel changed. */
  readonly refreshIntervalMs: number;
  /** In a burst of events, from one swap to the next: see `Pace`. Default 0. */
  readonly minIntervalMs?: number;
  readonly observe: MirrorObserver;
  readonly clock: Clock;
  readonly random: Random;
}

interface Seen {
  /** Null before any version was seen. */
  readonly key: string | null;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  /** By the monotonic clock. */
  readonly sinceMs: number;
}

/**
 * Mirror mode: brings the node's own packed backup into the store, one swap at a time.
 *
 * Whatever happens meanwhile only marks that a newer snapshot is due: a burst of events ends in one
 * swap of the last state, never in a pile of stale ones. A failed swap is tried again, with full
 * jitter, until it succeeds, a newer snapshot supersedes it, or `abort` ends it all.
 */
export class Feeder {
  readonly #options: FeederOptions;
  /** Why a snapshot is due, or null where the last known state is saved. */
  #due: SnapshotReason | null = null;
  #dueSinceMs = 0;
  readonly #pace: Pace;
  /** The version that the store holds, as far as we know: when it was saved, since when we know. */
  #seen: Seen = { key: null, savedAt: 0, sinceMs: 0 };
  /** Since the last swap something was refused: only a swap shows that it is over. */
  #hasRefused = false;
  #wake: () => void = () => undefined;

  constructor(options: FeederOptions) {
    this.#options = options;
    this.#pace = new Pace(options.clock, options.minIntervalMs ?? 0);
  }

  /**
   * Mirrors until `stop` aborts, then finishes what is not saved yet, and resolves. `abort` ends it
   * at once: then it throws "aborted" where a state was not saved. Throws what no time can heal.
   */
  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const listening = AbortSignal.any([stop, abort, ended.signal]);
    listening.addEventListener("abort", () => this.#wake());
    let failure: unknown = null;
    const background = Promise.all([this.#listen(listening), this.#refresh(listening)]).catch(
      (error: unknown) => {
        failure = error;
        ended.abort();
      },
    );
    try {
      for (;;) {
        await this.#untilDue(listening);
        if (this.#due === null) break;
        await this.#untilSpaced(listening);
        await this.#mirror(stop, abort);
      }
    } finally {
      ended.abort();
      await background;
    }
    if (failure !== null) throw failure;
  }

  /**
   * One snapshot and one swap, or none where the store has this state already. What the node cannot
   * give is not waited for; the store is tried again until `abort`.
   */
  async once(abort: AbortSignal): Promise<void> {
    this.#markDue("start");
    await this.#mirror(null, abort);
  }

  async #listen(signal: AbortSignal): Promise<void> {
    for await (const reason of this.#options.source.changes(signal)) this.#markDue(reason);
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { clock, refreshIntervalMs } = this.#options;
    this.#seen = { key: null, savedAt: clock.now(), sinceMs: clock.monotonicMs() };
    for (;;) {
      const dueInMs = refreshIntervalMs - this.#ageMs(this.#seen);
      try {
        // What is due already is under way, and takes its own time.
        await clock.sleep(dueInMs > 0 ? dueInMs : refreshIntervalMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      if (this.#ageMs(this.#seen) >= refreshIntervalMs) this.#markDue("refresh");
    }
  }

  #see({ key, savedAt }: Pick<Seen, "key" | "savedAt">): void {
    if (key === this.#seen.key) return;
    this.#seen = { key, savedAt, sinceMs: this.#options.clock.monotonicMs() };
  }

  /**
   * A wall clock that was set back makes nothing younger than the time for which we know it, and what
   * was due for a refresh by one reading is due by all.
   */
  #ageMs({ key, savedAt }: Pick<Seen, "key" | "savedAt">): number {
    const { clock } = this.#options;
    const seen = this.#seen;
    if (key !== seen.key) return clock.now() - savedAt;
    const ageMs = clock.now() - Math.min(savedAt, seen.savedAt);
    return Math.max(ageMs, clock.monotonicMs() - seen.sinceMs);
  }

  #markDue(reason: SnapshotReason): void {
    if (this.#due === null) this.#dueSinceMs = this.#options.clock.monotonicMs();
    this.#due = weightierReason(this.#due, reason);
    this.#wake();
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    if (this.#due !== null || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** A stop cuts it short. */
  async #untilSpaced(listening: AbortSignal): Promise<void> {
    const { waitMs } = this.#pace;
    if (waitMs <= 0 || listening.aborted) return;
    try {
      await this.#options.clock.sleep(waitMs, listening);
    } catch (error) {
      if (!listening.aborted) throw error;
    }
  }

  /** Saves the node's state, however often it takes. `stop` is null for `once`. */
  async #mirror(stop: AbortSignal | null, abort: AbortSignal): Promise<void> {
    const { swapper, observe, clock, random } = this.#options;
    const sinceMs = this.#dueSinceMs;
    let operation: SwapOperation | null = null;
    let reason: SnapshotReason = this.#due ?? "start";
    let attempts = 0;
    let superseded = 0;
    let troubled = false;
    for (;;) {
      attempts += 1;
      const begunAtMs = clock.monotonicMs();
      try {
        if (operation === null || this.#due !== null) {
          const base = await swapper.base(abort);
          // What an event has told stays true until it is saved, whatever came after it.
          if (this.#due !== null) reason = weightierReason(reason, this.#due);
          this.#due = null;
          const next = await this.#nextOperation(base, operation, reason, abort);
          if (next === "unchanged") {
            if (!isSameBase(await swapper.readBase(abort), base)) {
              this.#due = weightierReason(this.#due, reason);
              continue;
            }
            if (base.held !== null) this.#see(base.held);
            observe({ kind: "unchanged", reason, sequence: base.held?.sequence ?? 0 });
            break;
          }
          operation = next;
        }
        const commit = await swapper.advance(operation, abort);
        this.#pace.count();
        const elapsedMs = clock.monotonicMs() - sinceMs;
        this.#see({ key: commit.key, savedAt: clock.now() });
        this.#hasRefused = false;
        observe({ kind: "swapped", commit, reason, elapsedMs, attempts });
        break;
      } catch (error) {
        if (error instanceof RefusedError) {
          const { refusal, quarantineKey } = error;
          observe({ kind: "refused", code: refusal.code, message: error.message, quarantineKey });
          this.#hasRefused = true;
          if (stop === null) throw error;
          if (quarantineKey !== null || stop.aborted) break;
          // Not kept, so whoever looks at the store does not see it: it has to be tried again.
          this.#due = weightierReason(this.#due, reason);
          await this.#waitBeforeRetry(error, attempts, stop, abort);
          continue;
        }
        if (hasCode(error, "superseded")) {
          operation = null;
          if (reason !== "channel-event") reason = "superseded";
          superseded += 1;
          const waitMs = contentionMs(superseded, clock.monotonicMs() - begunAtMs, random);
          if (waitMs > 0) await clock.sleep(waitMs, abort);
          continue;
        }
        const canPass =
          stop === null ? hasCode(error, "store-busy", "store-unknown") : isPassing(error);
        if (!canPass) throw error;
        if (
          stop?.aborted === true &&
          operation === null &&
          !this.#isUnsaved(weightierReason(this.#due, reason))
        ) {
          this.#due = null;
          return;
        }
        troubled = true;
        await this.#waitBeforeRetry(ScbError.from(error), attempts, stop, abort);
      }
    }
    if (troubled) observe({ kind: "recovered", attempts });
  }

  /** Whether a snapshot for this reason would hold something that is known to be new. */
  #isUnsaved(reason: SnapshotReason): boolean {
    return reason === "channel-event" || reason === "file-changed" || reason === "superseded";
  }

  /**
   * Takes a snapshot against `base`. Where the node cannot give or explain one now, an operation
   * that is under way against the same base goes on: what it holds is newer than what the store has.
   */
  async #nextOperation(
    base: Base,
    underWay: SwapOperation | null,
    reason: SnapshotReason,
    abort: AbortSignal,
  ): Promise<SwapOperation | "unchanged"> {
    const { source, swapper } = this.#options;
    try {
      const candidate = candidateFromSnapshot(await source.snapshot(reason, abort));
      if (this.#isHeld(base, candidate, reason)) return "unchanged";
      return await swapper.begin(base, candidate, abort);
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#due = weightierReason(this.#due, reason);
      if (underWay !== null && isSameBase(underWay.base, base)) return underWay;
      throw error;
    }
  }

  /**
   * Whether the store holds this state already. The node packs with a fresh nonce each time, so
   * equal bytes prove it, and unequal ones disprove nothing: then equal channel points of an equal
   * size have to do, but never after an event that says that something changed, nor when the
   * version is due for a refresh.
   */
  #isHeld(base: Base, candidate: Candidate, reason: SnapshotReason): boolean {
    const { held } = base;
    if (held === null || this.#hasRefused) return false;
    if (this.#ageMs(held) >= this.#options.refreshIntervalMs) return false;
    if (held.sha256 === candidate.sha256) return true;
    return (
      reason !== "channel-event" &&
      candidate.channelPointsSha256 !== null &&
      held.channelPointsSha256 === candidate.channelPointsSha256 &&
      held.sizeBytes === candidate.packed.length
    );
  }

  /** A stop cuts the wait short: what is not saved is tried once more, at once. */
  async #waitBeforeRetry(
    error: ScbError,
    attempt: number,
    stop: AbortSignal | null,
    abort: AbortSignal,
  ): Promise<void> {
    const { clock, random, observe } = this.#options;
    const isOfStore = hasCode(error, "store-busy", "store-unknown", "refused");
    const backoff = isOfStore ? storeBackoff : defaultBackoff;
    const retryInMs = Math.round(backoffMs(attempt, random, backoff));
    observe({ kind: "retrying", error, attempt, retryInMs });
    const isStopping = stop === null || stop.aborted;
    try {
      await clock.sleep(retryInMs, isStopping ? abort : AbortSignal.any([abort, stop]));
    } catch (cause) {
      if (abort.aborted) throw new ScbError("aborted", `gave up: ${error.message}`, { cause });
    }
  }
}
