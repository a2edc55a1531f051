import type { Encrypter } from "../keychain/encrypter.ts";
import { abortable } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { checkedMs } from "../runtime/interval.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { tell } from "../runtime/tell.ts";
import { turn } from "../runtime/turns.ts";
import { canonicalOutPoint } from "../wire/out-point.ts";
import { BackupState } from "./backup-state.ts";
import { listenToChannels } from "./channel-listener.ts";
import type { ChannelEvent, ChannelNotifier } from "./channel-notifier.ts";
import { Engine, type EngineTiming, type Outcome } from "./engine.ts";
import type { LookDepth, LookOutcome } from "./look.ts";
import { type Multi, serializeMulti } from "./multi.ts";
import { isPassing } from "./retry-policy.ts";
import type { Single } from "./single.ts";
import type {
  SubSwapperEvent,
  SubSwapperObserver,
  SubSwapperSwapped,
  SubSwapperUnchanged,
} from "./sub-swapper-events.ts";
import type { Swapper } from "./swapper.ts";

/** The arguments of lnd's `NewSubSwapper`, and times. */
export interface SubSwapperOptions extends Partial<EngineTiming> {
  /**
   * The node's current channels. A channel that no backup can hold is refused with "encode". Channels
   * that only the swapper holds are kept as well.
   */
  readonly startingChans: readonly Single[];
  readonly notifier: ChannelNotifier;
  readonly encrypter: Encrypter;
  readonly swapper: Swapper;
  readonly observer?: SubSwapperObserver;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** How to stop. */
export interface StopOptions {
  /** How long to keep trying to save what isn't saved. Default 0: work under way is abandoned. */
  readonly graceMs?: number;
}

const defaultRefreshIntervalMs = 12 * 3_600_000;
const defaultMinIntervalMs = 1_000;
/** The grace period when a SubSwapper is disposed of. */
const disposeGraceMs = 10_000;

type SubSwapperOutcome = Outcome<SubSwapperSwapped, SubSwapperUnchanged>;

/**
 * Keeps a node's backup current: hears which channels open and close, merges them with what the swapper
 * holds, packs, and swaps. One engine makes all swaps, one at a time. Changes that come meanwhile are
 * folded into one state, never queued. Source: lnd `chanbackup.SubSwapper`.
 */
export class SubSwapper {
  readonly #options: SubSwapperOptions;
  readonly #clock: Clock;
  readonly #state: BackupState;
  readonly #engine: Engine<SubSwapperSwapped, SubSwapperUnchanged>;
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  /** Aborts when everything has ended. */
  readonly #over = new AbortController();
  readonly #firstExtract = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<ScbError | null>();
  #isStarted = false;
  #failure: ScbError | null = null;
  /** The engine ended normally and had found what it saved. */
  #isConfirmed = false;

  /** Throws "usage" for invalid times. */
  constructor(options: SubSwapperOptions) {
    const { refreshIntervalMs = defaultRefreshIntervalMs } = options;
    const { minIntervalMs = defaultMinIntervalMs, clock = systemClock, swapper } = options;
    this.#options = options;
    this.#clock = clock;
    this.#state = new BackupState(options.startingChans);
    this.#engine = new Engine({
      ...options,
      refreshIntervalMs,
      minIntervalMs,
      clock,
      attempt: (signal) => this.#attempt(signal),
      // A backup that doesn't open is another node's or damaged: it must not be replaced.
      canPass: (error) => isPassing(error) && !hasCode(error, "decode", "decrypt"),
      isUnsaved: (reason) => reason !== "refresh",
      listen: (signal) => this.#listen(signal),
      look: swapper.look && ((depth, signal) => this.#look(depth, signal)),
      observe: (event) => this.#tell(event),
    });
    this.#engine.mark("start");
    // Callers need not await it.
    this.#ready.promise.catch(() => undefined);
  }

  /**
   * Resolves when the first state is saved. Rejects with "refused" (the SubSwapper continues and waits
   * for a change), with the error that ended it, or with "aborted" if it was stopped before that.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Resolves once everything has ended: with null after `stop`, otherwise with the error that ended it.
   * Never rejects.
   */
  get ended(): Promise<ScbError | null> {
    return this.#ended.promise;
  }

  /** Starts. Waits out an outage, reporting the reason to the observer. A second call does nothing. */
  start(): void {
    this.#throwIfOver();
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#ready.resolve(this.#saved(this.#engine.revision));
    void this.#run();
  }

  /**
   * Stops listening, and keeps trying to save what isn't saved for `graceMs`. Resolves once everything
   * has ended, with whether everything known is saved; if the swapper can look, it was read back. A
   * second call can only shorten the wait.
   */
  async stop({ graceMs = 0 }: StopOptions = {}): Promise<boolean> {
    checkedMs("graceMs", graceMs, 0);
    this.#stop.abort();
    if (!this.#isStarted) this.#end(null);
    if (graceMs === 0) this.#abandon.abort();
    else void this.#abandonAfter(graceMs);
    await this.#ended.promise;
    return this.isSaved && this.#isConfirmed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ graceMs: disposeGraceMs });
  }

  /** Whether everything that was reported is known to be saved. */
  get isSaved(): boolean {
    return this.#engine.isSaved && this.#state.skipped.length === 0;
  }

  /**
   * Adds channels that no event has reported, and resolves when a backup with them is saved. Rejects with
   * "refused", with the error that ended the SubSwapper, or with "aborted" when it is stopped. When
   * `signal` aborts, only the wait ends. Source: lnd `SubSwapper.ManualUpdate`.
   */
  async manualUpdate(singles: readonly Single[], signal?: AbortSignal): Promise<void> {
    this.#throwIfNotRunning("a manual update");
    this.#state.add(singles);
    await this.#saved(this.#engine.mark("manual-update"), signal);
  }

  /**
   * The program's confirmation that these channels are closed and fully resolved, although it never had
   * them (see `ChannelNotifier`). Resolves and rejects as `manualUpdate`, once they are out of the
   * backup. Takes channel points, "txid:index". If one is invalid, rejects with "decode" and confirms
   * none.
   */
  async confirmClosed(closedChans: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#throwIfNotRunning("a confirmed close");
    for (const channelPoint of closedChans.map(canonicalOutPoint)) this.#state.close(channelPoint);
    await this.#saved(this.#engine.mark("manual-update"), signal);
  }

  async #run(): Promise<void> {
    try {
      await this.#engine.run(this.#stop.signal, this.#abandon.signal);
      this.#isConfirmed = true;
      this.#end(null);
    } catch (cause) {
      const error = ScbError.from(cause);
      const isAbandoned = this.#abandon.signal.aborted && error.code === "aborted";
      this.#end(isAbandoned ? null : error);
    }
  }

  #end(failure: ScbError | null): void {
    if (this.#over.signal.aborted) return;
    this.#failure = failure;
    this.#over.abort();
    if (!this.#isStarted) this.#ready.reject(this.#whyOver());
    if (failure !== null) this.#tell({ kind: "failed", error: failure });
    this.#ended.resolve(failure);
  }

  async #abandonAfter(graceMs: number): Promise<void> {
    try {
      await this.#clock.sleep(graceMs, this.#over.signal);
    } catch (error) {
      if (!this.#over.signal.aborted) throw error;
    }
    this.#abandon.abort();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { notifier, random = systemRandom } = this.#options;
    try {
      // Only then is it known which channels the swapper holds.
      await abortable(this.#firstExtract.promise, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await listenToChannels(
      {
        notifier,
        knownChans: () => this.#state.knownChans(),
        onEvent: (event) => this.#hear(event),
        onTrouble: (error, retryInMs) => this.#tell({ kind: "notifier-lost", error, retryInMs }),
        onRecovered: () => this.#tell({ kind: "notifier-recovered" }),
        clock: this.#clock,
        random,
      },
      signal,
    );
  }

  #hear(event: ChannelEvent): void {
    if (event.newChans.length === 0 && event.closedChans.length === 0) return;
    const { heldBack, skipped } = this.#state.apply(event);
    this.#engine.mark("channel-event");
    if (heldBack.length > 0) this.#tell({ kind: "close-held-back", channelPoints: heldBack });
    for (const flaw of skipped) this.#tell({ kind: "channel-skipped", ...flaw });
  }

  async #attempt(signal: AbortSignal): Promise<SubSwapperOutcome> {
    const { swapper, encrypter } = this.#options;
    let held: Multi | null;
    try {
      held = await ofSwapper(() =>
        swapper.extractBase === undefined
          ? swapper.extractMulti(encrypter, signal)
          : swapper.extractBase(encrypter, signal),
      );
    } catch (error) {
      if (hasCode(error, "went-back")) return this.#lost(error);
      throw error;
    }
    // Changes from here on aren't in this state, and wait for the next attempt.
    const due = this.#engine.take();
    const merged = this.#state.mergeWith(held);
    this.#firstExtract.resolve();

    const channels = merged.staticBackups.length;
    await turn(channels);
    const plaintext = serializeMulti(merged);
    const isSame = held !== null && Buffer.compare(plaintext, serializeMulti(held)) === 0;
    const isHeld = isSame && swapper.isInDoubt !== true;
    if (isHeld && this.#engine.isGoodEnough(swapper.held ?? null)) {
      const found = await this.#look("version", signal);
      if (found.kind === "save-anew") return { kind: "lost", error: found.error };
      this.#state.saved(merged);
      return { kind: "unchanged", due, held: swapper.held ?? null, facts: { channels } };
    }
    const packed = encrypter.encrypt(plaintext);
    await turn(channels);
    await ofSwapper(() => swapper.updateAndSwap(packed, signal));
    this.#state.saved(merged);
    const facts = { channels, sizeBytes: packed.length };
    return { kind: "swapped", due, id: swapper.held?.id ?? null, facts };
  }

  #lost(error: ScbError): SubSwapperOutcome {
    this.#state.lost();
    return { kind: "lost", error };
  }

  async #look(depth: LookDepth, signal: AbortSignal): Promise<LookOutcome> {
    const { swapper } = this.#options;
    const asAccepted: LookOutcome = { kind: "confirmed" };
    const found = await ofSwapper(async () => (await swapper.look?.(depth, signal)) ?? asAccepted);
    if (found.kind === "save-anew") this.#state.lost();
    return found;
  }

  async #saved(revision: number, signal?: AbortSignal): Promise<void> {
    const over = this.#over.signal;
    const until = signal === undefined ? over : AbortSignal.any([over, signal]);
    try {
      await this.#engine.saved(revision, until);
    } catch (error) {
      throw over.aborted && hasCode(error, "aborted") ? this.#whyOver() : error;
    }
  }

  #throwIfNotRunning(what: string): void {
    if (!this.#isStarted) throw new ScbError("usage", `${what} before the SubSwapper was started`);
    this.#throwIfOver();
  }

  #throwIfOver(): void {
    if (this.#over.signal.aborted) throw this.#whyOver();
  }

  #whyOver(): ScbError {
    return this.#failure ?? new ScbError("aborted", "the SubSwapper was stopped");
  }

  #tell(event: SubSwapperEvent): void {
    const { observer } = this.#options;
    if (observer !== undefined) tell(observer, event);
  }
}

/** An exception from the caller's own Swapper is no defect of ours. */
async function ofSwapper<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw ScbError.ofCaller(error, "the Swapper");
  }
}
