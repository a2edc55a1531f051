import type { Encrypter } from "../keychain/encrypter.ts";
import { abortable } from "../runtime/abort.ts";
import { backoffMs, contentionMs, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { Pace } from "../runtime/pace.ts";
import type { Random } from "../runtime/random.ts";
import { BackupState } from "./backup-state.ts";
import { listenToChannels } from "./channel-listener.ts";
import type { ChannelNotifier } from "./channel-notifier.ts";
import { type Multi, serializeMulti } from "./multi.ts";
import { Nap } from "./nap.ts";
import type { Single } from "./single.ts";
import { fatalSwapCodes, type SubSwapperObserver, type SwapReason } from "./sub-swapper-events.ts";
import type { Swapper } from "./swapper.ts";

export interface SubSwapperOptions {
  /**
   * The node's channels as they are now: one that no backup can hold is refused with "encode". Those
   * that only the swapper holds are kept as well.
   */
  readonly startingChans: readonly Single[];
  readonly notifier: ChannelNotifier;
  readonly encrypter: Encrypter;
  readonly swapper: Swapper;
  /**
   * After so long without a swap the saved backup is read, merged and saved anew, even if it is the
   * same: its age shows whoever looks at the store that it is still looked after.
   */
  readonly refreshIntervalMs: number;
  /** In a burst of events, from one swap to the next: see `Pace`. Default 0. */
  readonly minIntervalMs?: number;
  readonly observer: SubSwapperObserver;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Keeps a node's backup current: hears which channels open and close, merges them with what the
 * swapper holds, packs, and swaps. One loop makes all swaps, one at a time. Changes that come
 * meanwhile are folded into one state, never queued, and the next attempt takes them all in.
 * Source: lnd `chanbackup.SubSwapper`.
 */
export class SubSwapper {
  readonly #options: SubSwapperOptions;
  readonly #state: BackupState;
  /** Ends with the next change. */
  readonly #untilWork: Nap;
  /** Not ended by changes: they are folded in, and a store in trouble is not asked more often. */
  readonly #untilRetry: Nap;
  readonly #pace: Pace;
  readonly #stopListening = new AbortController();
  readonly #abandon = new AbortController();
  readonly #firstExtract = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<ScbError | null>();

  #started: Promise<void> | null = null;
  #stopped: Promise<boolean> | null = null;
  #isOver = false;
  #failure: ScbError | null = null;
  #reason: SwapReason = "start";

  /** The newest revision that is known to be saved. */
  #savedRevision = 0;
  /** The newest revision that has had its answer: saved, or refused with `#refusal`. */
  #settledRevision = 0;
  #refusal: ScbError | null = null;
  /** Resolves, and is replaced, with each answer. */
  #answer = Promise.withResolvers<void>();

  constructor(options: SubSwapperOptions) {
    this.#options = options;
    this.#state = new BackupState(options.startingChans);
    this.#untilWork = new Nap(options.clock);
    this.#untilRetry = new Nap(options.clock);
    this.#pace = new Pace(options.clock, options.minIntervalMs ?? 0);
  }

  /**
   * Resolves once the loop has ended: with null after `stop`, else with the error that ended it.
   * Never rejects.
   */
  get ended(): Promise<ScbError | null> {
    return this.#ended.promise;
  }

  /**
   * Starts, and resolves when the first refresh has made sure that the saved backup is current.
   * During an outage that takes as long as the outage: the observer hears why. Rejects with
   * "refused" (it goes on, and waits for a change), with the error that ended it, or "aborted" when
   * it was stopped before. A second call gives the first one's answer.
   */
  start(): Promise<void> {
    this.#started ??= this.#begin();
    return this.#started;
  }

  /**
   * Hears no more events, and goes on trying to save what is not saved until `signal` aborts.
   * Without a signal it abandons what is under way at once. Resolves when all has ended, with
   * whether everything that it knew is saved. A second call gives the first one's answer.
   */
  stop(signal: AbortSignal = AbortSignal.abort()): Promise<boolean> {
    this.#stopped ??= this.#end(signal);
    return this.#stopped;
  }

  /**
   * Takes in channels that no event has told of, and resolves when a backup with them is saved.
   * Rejects with "refused", with the error that ended the loop, or with "aborted" when it is
   * stopped. When `signal` aborts only the wait ends. Source: lnd `SubSwapper.ManualUpdate`.
   */
  async manualUpdate(singles: readonly Single[], signal?: AbortSignal): Promise<void> {
    if (this.#started === null) {
      throw new ScbError("usage", "a manual update before the SubSwapper was started");
    }
    this.#throwIfOver();
    this.#state.add(singles);
    this.#changed("manual-update");
    await this.#answerTo(this.#state.revision, signal);
  }

  async #begin(): Promise<void> {
    this.#throwIfOver();
    const listening = this.#listen().catch((error: unknown) => this.#fail(error));
    const swapping = this.#run().catch((error: unknown) => this.#fail(error));
    void Promise.all([listening, swapping]).then(() => this.#ended.resolve(this.#failure));
    await this.#answerTo(this.#state.revision);
  }

  async #end(signal: AbortSignal): Promise<boolean> {
    this.#stopListening.abort();
    const abandon = (): void => {
      this.#abandon.abort();
      this.#wake();
    };
    signal.addEventListener("abort", abandon, { once: true });
    if (signal.aborted) abandon();
    // To wait for the next refresh, or the next attempt, makes no sense now.
    this.#wake();
    if (this.#started === null) this.#ended.resolve(null);
    await this.#ended.promise;
    signal.removeEventListener("abort", abandon);
    this.#isOver = true;
    this.#tellWaiters();
    return this.#failure === null && this.#savedRevision >= this.#state.revision;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopListening;
    try {
      // Only then is it known which channels the swapper holds.
      await abortable(this.#firstExtract.promise, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const { notifier, observer, clock, random } = this.#options;
    await listenToChannels(
      {
        notifier,
        knownChans: () => this.#state.knownChans(),
        onEvent: (event) => {
          if (event.newChans.length === 0 && event.closedChans.length === 0) return;
          try {
            this.#state.apply(event);
          } catch (error) {
            // The same event would come again and again: no new subscription mends it.
            this.#fail(error);
            throw error;
          }
          this.#changed("channel-event");
        },
        onTrouble: (error, retryInMs) => observer({ kind: "notifier-lost", error, retryInMs }),
        onRecovered: () => observer({ kind: "notifier-recovered" }),
        clock,
        random,
      },
      signal,
    );
  }

  async #run(): Promise<void> {
    while (!this.#isDone()) {
      if (this.#isSettled()) {
        await this.#untilWork.sleep(this.#options.refreshIntervalMs);
        if (this.#isDone()) return;
        if (this.#isSettled()) {
          if (this.#refusal !== null) continue;
          this.#reason = "refresh";
        }
      }
      await this.#untilSpaced();
      if (this.#isDone()) return;
      await this.#swapUntilSettled();
    }
  }

  /** Not ended by changes, which are what it waits for; a stop cuts it short. */
  async #untilSpaced(): Promise<void> {
    const { waitMs } = this.#pace;
    if (waitMs > 0 && !this.#stopListening.signal.aborted) await this.#untilRetry.sleep(waitMs);
  }

  async #swapUntilSettled(): Promise<void> {
    const { clock, random, observer } = this.#options;
    const startedMs = clock.monotonicMs();
    let isLate = false;
    let supersededInARow = 0;
    for (let attempt = 1; ; attempt++) {
      const begunAtMs = clock.monotonicMs();
      try {
        await this.#swap(attempt, startedMs);
        if (isLate && this.#refusal === null) observer({ kind: "recovered", attempts: attempt });
        return;
      } catch (cause) {
        const error = ScbError.from(cause);
        if (this.#isDone()) return;
        if (fatalSwapCodes.includes(error.code)) throw error;
        if (error.code === "superseded") {
          supersededInARow += 1;
          const attemptMs = clock.monotonicMs() - begunAtMs;
          const waitMs = contentionMs(supersededInARow, attemptMs, random);
          if (waitMs > 0) await this.#untilRetry.sleep(waitMs);
          continue;
        }
        supersededInARow = 0;
        const retryInMs = backoffMs(attempt, random, storeBackoff);
        isLate = true;
        observer({ kind: "retrying", error, attempt, retryInMs });
        if (!this.#isDone()) await this.#untilRetry.sleep(retryInMs);
        if (this.#isDone()) return;
      }
    }
  }

  /** One attempt. Returns when the state has its answer: saved, unchanged or refused. */
  async #swap(attempts: number, startedMs: number): Promise<void> {
    const { swapper, encrypter, clock, observer } = this.#options;
    const { signal } = this.#abandon;
    const held = await swapper.extractMulti(encrypter, signal);
    const merged = this.#state.mergeWith(held);
    // Changes from here on are not in it, and wait for the next attempt.
    const { revision } = this.#state;
    const reason = this.#reason;
    this.#firstExtract.resolve();

    const channels = merged.staticBackups.length;
    const plaintext = serializeMulti(merged);
    const isHeld = held !== null && Buffer.compare(plaintext, serializeMulti(held)) === 0;
    if (isHeld && reason !== "refresh") {
      this.#settleSaved(merged, revision);
      observer({ kind: "unchanged", reason, channels });
      return;
    }
    const packed = encrypter.encrypt(plaintext);
    try {
      await swapper.updateAndSwap(packed, signal);
    } catch (error) {
      if (!hasCode(error, "refused")) throw error;
      this.#settle(revision, error);
      observer({ kind: "refused", reason, error });
      return;
    }
    this.#settleSaved(merged, revision);
    this.#pace.count();
    const elapsedMs = clock.monotonicMs() - startedMs;
    const sizeBytes = packed.length;
    observer({ kind: "swapped", reason, channels, sizeBytes, attempts, elapsedMs });
  }

  #settleSaved(merged: Multi, revision: number): void {
    this.#savedRevision = revision;
    this.#state.saved(merged, revision);
    this.#settle(revision, null);
  }

  #settle(revision: number, refusal: ScbError | null): void {
    this.#settledRevision = revision;
    this.#refusal = refusal;
    this.#tellWaiters();
  }

  #tellWaiters(): void {
    this.#answer.resolve();
    this.#answer = Promise.withResolvers();
  }

  async #answerTo(revision: number, signal?: AbortSignal): Promise<void> {
    while (this.#settledRevision < revision) {
      this.#throwIfOver();
      await abortable(this.#answer.promise, signal);
    }
    if (this.#savedRevision < revision && this.#refusal !== null) throw this.#refusal;
  }

  #throwIfOver(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#isOver) throw new ScbError("aborted", "the SubSwapper was stopped");
  }

  #fail(cause: unknown): void {
    if (this.#failure !== null) return;
    const error = ScbError.from(cause);
    this.#failure = error;
    this.#stopListening.abort();
    this.#abandon.abort();
    this.#wake();
    this.#tellWaiters();
    this.#options.observer({ kind: "failed", error });
  }

  #changed(reason: SwapReason): void {
    this.#reason = reason;
    this.#untilWork.wake();
  }

  #isSettled(): boolean {
    return this.#settledRevision >= this.#state.revision;
  }

  #isDone(): boolean {
    return (
      this.#abandon.signal.aborted || (this.#stopListening.signal.aborted && this.#isSettled())
    );
  }

  #wake(): void {
    this.#untilWork.wake();
    this.#untilRetry.wake();
  }
}
