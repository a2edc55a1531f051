import { abortable } from "../runtime/abort.ts";
import { backoffMs, contentionMs, defaultBackoff, storeBackoff } from "../runtime/backoff.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { checkedMs } from "../runtime/interval.ts";
import { Pace } from "../runtime/pace.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { tell } from "../runtime/tell.ts";
import { type Due, DueState } from "./due.ts";
import type { EngineEvent } from "./engine-events.ts";
import { Freshness, type HeldBackup } from "./freshness.ts";
import type { Look, LookTiming } from "./look.ts";
import { gaveUp, Looker } from "./looker.ts";
import { Nap, sleepUntil } from "./nap.ts";
import { RefusedError } from "./refused-error.ts";
import type { SnapshotReason } from "./snapshot.ts";

/** The outcome of an attempt that didn't throw. */
export type Outcome<Swapped, Unchanged> =
  | {
      readonly kind: "swapped";
      /** What the saved state includes. */
      readonly due: Due;
      /** Identifies this backup; null if the swapper can't tell. */
      readonly id: string | null;
      readonly facts: Swapped;
    }
  /** The swapper already holds this state, which this attempt read back. */
  | {
      readonly kind: "unchanged";
      readonly due: Due;
      /** Null if the swapper can't tell. */
      readonly held: HeldBackup | null;
      readonly facts: Unchanged;
    }
  /** The swapper should hold this state, but no longer does. */
  | { readonly kind: "lost"; readonly error: ScbError };

/** When a running engine saves and looks, in milliseconds. Invalid values throw "usage". */
export interface EngineTiming extends LookTiming {
  /** A backup older than this is saved again, with fresh addresses, even if nothing changed. */
  readonly refreshIntervalMs: number;
  /** The least time between two swaps in a burst of events: see `Pace`. Default 0. */
  readonly minIntervalMs?: number | undefined;
}

export interface EngineOptions<Swapped, Unchanged> extends EngineTiming {
  /**
   * Takes the swapper's base, then calls `engine.take()`, then makes the state and swaps it in. So
   * anything that becomes due after that call is left for the next attempt. Throws "refused" and
   * "superseded", as a `Swapper` does, and errors that `canPass` classifies.
   */
  readonly attempt: (signal: AbortSignal) => Promise<Outcome<Swapped, Unchanged>>;
  /** Whether this error may pass with time. Any other error ends the engine. */
  readonly canPass: (error: ScbError) => boolean;
  /** Whether a stop must wait until what is due for this reason is saved. */
  readonly isUnsaved: (reason: SnapshotReason) => boolean;
  /** Marks what becomes due, until `signal` aborts. An error ends the engine. */
  readonly listen: (signal: AbortSignal) => Promise<void>;
  readonly look?: Look | undefined;
  readonly observe: (event: EngineEvent<Swapped, Unchanged>) => void;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/**
 * Saves a state to a swapper, one swap at a time, whatever makes the state.
 *
 * Events meanwhile only mark that a newer state is due: a burst of events ends in one swap of the last
 * state, never in a backlog of stale ones. A failed attempt is repeated with full jitter until it
 * succeeds or `abort` ends everything. While nothing is due, the engine periodically reads back what was
 * saved, and saves it again if it is lost.
 */
export class Engine<Swapped, Unchanged> {
  readonly #options: EngineOptions<Swapped, Unchanged>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pace: Pace;
  readonly #due: DueState;
  readonly #freshness: Freshness;
  readonly #looker: Looker;
  readonly #idle: Nap;
  /** After a refusal or a loss, only a swap shows that it is over. */
  #mustSave = false;
  #hasSaved = false;
  #refreshNotBeforeMs = -Infinity;
  /** The newest revision that a stop must wait for. */
  #unsavedRevision = 0;

  /** Throws "usage" for invalid times. */
  constructor(options: EngineOptions<Swapped, Unchanged>) {
    const { clock = systemClock, random = systemRandom, minIntervalMs = 0 } = options;
    checkedMs("refreshIntervalMs", options.refreshIntervalMs);
    checkedMs("minIntervalMs", minIntervalMs, 0);
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#pace = new Pace(clock, minIntervalMs);
    this.#due = new DueState(clock);
    this.#freshness = new Freshness(clock);
    this.#looker = new Looker({
      ...options,
      clock,
      random,
      tell: (event) => this.#tell(event),
      onLost: (error) => this.#lose(error),
      onSuperseded: () => void this.mark("superseded"),
    });
    this.#idle = new Nap(clock);
  }

  /** The revision of what became due last. */
  get revision(): number {
    return this.#due.revision;
  }

  /** Whether everything that a stop would wait for is known to be saved. */
  get isSaved(): boolean {
    return this.#due.savedRevision >= this.#unsavedRevision;
  }

  /** Marks something as due. Returns its revision. */
  mark(reason: SnapshotReason): number {
    const revision = this.#due.mark(reason);
    if (this.#options.isUnsaved(reason)) this.#unsavedRevision = revision;
    this.#wake();
    return revision;
  }

  /** Reads back what was saved, whole, as soon as nothing is due. */
  lookSoon(): void {
    this.#looker.ask();
    this.#idle.wake();
  }

  /** For the attempt: a state made after this call includes everything that it returns. */
  take(): Due {
    return this.#due.take();
  }

  /**
   * For the attempt: whether this backup is as good as the same state saved again. Not after a refusal or
   * a loss, nor when a refresh is due. Null means the backup last saved or seen.
   */
  isGoodEnough(held: HeldBackup | null): boolean {
    return !this.#mustSave && this.#freshness.ageMs(held) < this.#options.refreshIntervalMs;
  }

  /** Resolves when `revision` is saved. Rejects with its refusal. When `signal` aborts, the wait ends. */
  saved(revision: number, signal?: AbortSignal): Promise<void> {
    return this.#due.saved(revision, signal);
  }

  /**
   * Runs until `stop` aborts, then saves what isn't saved yet, reads it back, and resolves. `abort` ends
   * it immediately, with "aborted" if a state is left unsaved. Throws errors that can't pass.
   */
  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const listening = ended.signal;
    listening.addEventListener("abort", () => this.#wake());
    const onStop = async (): Promise<void> => {
      this.#wake();
      // Events from just before the stop may still be on their way here.
      await this.#sleep(0, [abort]);
      ended.abort();
    };
    if (stop.aborted) void onStop();
    else stop.addEventListener("abort", () => void onStop(), { signal: listening });
    if (abort.aborted) ended.abort();
    else abort.addEventListener("abort", () => ended.abort(), { signal: listening });
    let failure: unknown = null;
    const background = this.#options.listen(listening).catch((error: unknown) => {
      failure = error;
      ended.abort();
    });
    try {
      for (;;) {
        await this.#untilDue(listening);
        if (this.#due.reason === null && failure === null) await this.#confirm(abort);
        if (this.#due.reason === null) break;
        const { waitMs } = this.#pace;
        if (waitMs > 0) await this.#sleep(waitMs, [stop, abort]);
        await this.#save(stop, abort);
      }
    } finally {
      ended.abort();
      await background;
    }
    if (failure !== null) throw failure;
  }

  /**
   * Saves the state and reads it back, or finds it already saved. Retries the store until `abort`; other
   * failures are thrown, including "refused".
   */
  async once(abort: AbortSignal): Promise<void> {
    this.mark("start");
    while (this.#due.reason !== null) {
      await this.#save(null, abort);
      if (!this.#looker.isReadBack) await this.#confirm(abort);
    }
  }

  #wake(): void {
    this.#idle.wake();
    this.#looker.interrupt();
  }

  /** Waits until something is due or listening ends. Meanwhile, it refreshes and looks. */
  async #untilDue(listening: AbortSignal): Promise<void> {
    const { refreshIntervalMs } = this.#options;
    while (this.#due.reason === null && !listening.aborted) {
      const { dueInMs: lookInMs } = this.#looker;
      const staleInMs = refreshIntervalMs - this.#freshness.ageMs(null);
      const nowMs = this.#clock.monotonicMs();
      const refreshInMs = Math.max(staleInMs, this.#refreshNotBeforeMs - nowMs);
      if (refreshInMs <= 0) {
        // A refused state stays old: don't retry it in a loop.
        this.#refreshNotBeforeMs = nowMs + refreshIntervalMs;
        this.mark("refresh");
      } else if (lookInMs > 0) await this.#idle.sleep(Math.min(refreshInMs, lookInMs));
      else await this.#looker.whileIdle();
    }
  }

  /** A stop reports everything as saved, so it must be read back. */
  async #confirm(abort: AbortSignal): Promise<void> {
    if (this.#hasSaved) await this.#looker.confirm(() => this.#due.reason === null, abort);
  }

  #lose(error: ScbError): void {
    this.#mustSave = true;
    this.#looker.lost();
    this.#tell({ kind: "lost", error });
    this.mark("lost");
  }

  /** Saves what is due, however many attempts it takes. `stop` is null for `once`. */
  async #save(stop: AbortSignal | null, abort: AbortSignal): Promise<void> {
    const { attempt, canPass, isUnsaved } = this.#options;
    let superseded = 0;
    let trouble: ScbError | null = null;
    for (let attempts = 1; ; attempts += 1) {
      const begunAtMs = this.#clock.monotonicMs();
      try {
        if (abort.aborted) throw gaveUp(trouble);
        const outcome = await abortable(attempt(abort), abort);
        if (outcome.kind === "lost") {
          this.#lose(outcome.error);
          continue;
        }
        this.#settle(outcome, attempts);
        if (trouble !== null || this.#looker.isTroubled)
          this.#tell({ kind: "recovered", attempts });
        return this.#looker.recovered();
      } catch (caught) {
        const error = ScbError.from(caught);
        if (error.code === "superseded") {
          this.mark("superseded");
          superseded += 1;
          const attemptMs = this.#clock.monotonicMs() - begunAtMs;
          const waitMs = contentionMs(superseded, attemptMs, this.#random);
          if (waitMs > 0) await this.#clock.sleep(waitMs, abort);
          continue;
        }
        if (error.code === "refused") {
          const isKept = this.#refuse(error);
          if (stop === null) throw error;
          if (isKept || stop.aborted) return this.#due.settle(this.#due.taken.revision, error);
        } else {
          const isPassing =
            stop === null ? hasCode(error, "store-busy", "store-unknown") : canPass(error);
          const isWorthIt = stop?.aborted !== true || isUnsaved(this.#due.reason ?? "start");
          if (!isWorthIt && (isPassing || abort.aborted)) return this.#due.drop();
          if (!isPassing) throw error;
          trouble = error;
        }
        const backoff = isOfStore(error) ? storeBackoff : defaultBackoff;
        const retryInMs = Math.round(backoffMs(attempts, this.#random, backoff));
        this.#tell({ kind: "retrying", error, attempt: attempts, retryInMs });
        // A stop cuts the wait short: what isn't saved is tried once more, immediately.
        const isStopping = stop === null || stop.aborted;
        await this.#sleep(retryInMs, isStopping ? [abort] : [abort, stop]);
      }
    }
  }

  #settle(outcome: Exclude<Outcome<Swapped, Unchanged>, { kind: "lost" }>, attempts: number): void {
    const { reason, revision, sinceMs } = outcome.due;
    this.#due.settle(revision, null);
    this.#hasSaved = true;
    if (outcome.kind === "swapped") {
      this.#mustSave = false;
      this.#pace.count();
      this.#freshness.saved(outcome.id);
      this.#looker.swapped();
      const elapsedMs = this.#clock.monotonicMs() - sinceMs;
      this.#tell({ kind: "swapped", reason, attempts, elapsedMs, ...outcome.facts });
    } else {
      if (outcome.held !== null) this.#freshness.see(outcome.held);
      this.#looker.proved();
      this.#tell({ kind: "unchanged", reason, ...outcome.facts });
    }
    // The backup found is newer than what this process knew of, but not by a whole interval.
    const isFresh = this.#freshness.ageMs(null) < this.#options.refreshIntervalMs;
    if (isFresh) this.#refreshNotBeforeMs = -Infinity;
  }

  /**
   * Reports a refusal. False if the candidate could not be kept, so that nothing in the store shows it.
   */
  #refuse(error: ScbError): boolean {
    const { refusal, quarantineKey } =
      error instanceof RefusedError ? error : { refusal: error, quarantineKey: null };
    this.#mustSave = true;
    this.#tell({
      kind: "refused",
      reason: this.#due.taken.reason,
      code: refusal.code,
      message: error.message,
      quarantineKey,
      error,
    });
    return quarantineKey !== null || !(error instanceof RefusedError);
  }

  #sleep(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    return sleepUntil(this.#clock, ms, signals);
  }

  #tell(event: EngineEvent<Swapped, Unchanged>): void {
    tell(this.#options.observe, event);
  }
}

function isOfStore(error: ScbError): boolean {
  return hasCode(error, "store-busy", "store-unknown", "refused");
}
