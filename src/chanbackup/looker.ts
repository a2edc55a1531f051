import { abortable } from "../runtime/abort.ts";
import { backoffMs, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { EngineEvent } from "./engine-events.ts";
import { type Look, type LookDepth, LookSchedule, type LookTiming } from "./look.ts";
import { sleepUntil } from "./nap.ts";

export interface LookerOptions extends LookTiming {
  /** Without it, nothing is read back. */
  readonly look?: Look | undefined;
  /** Whether this error may pass with time. */
  readonly canPass: (error: ScbError) => boolean;
  readonly tell: (
    event: Extract<EngineEvent<object, object>, { kind: "confirmed" | "retrying" | "recovered" }>,
  ) => void;
  readonly onLost: (error: ScbError) => void;
  /** Another writer replaced what was saved. */
  readonly onSuperseded: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

interface FailedLook {
  readonly error: ScbError;
  readonly retryInMs: number;
}

/** Reads back what an engine saved, while the engine is idle and before it stops. */
export class Looker {
  readonly #options: LookerOptions;
  readonly #schedule: LookSchedule;
  #underWay: AbortController | null = null;
  /** Failures in a row. */
  #failures = 0;
  #losses = 0;
  #isReadBack = false;
  #isAsked = false;

  constructor(options: LookerOptions) {
    this.#options = options;
    this.#schedule = new LookSchedule(options, options.clock.monotonicMs());
  }

  /** The time until the next look if nothing else happens. */
  get dueInMs(): number {
    const { look, clock } = this.#options;
    if (look !== undefined && this.#isAsked) return 0;
    return look === undefined ? Infinity : this.#schedule.next.atMs - clock.monotonicMs();
  }

  /** The last look failed. */
  get isTroubled(): boolean {
    return this.#failures > 0;
  }

  /** What was last saved has been read back. */
  get isReadBack(): boolean {
    return this.#isReadBack;
  }

  /** Requests an early look: the version is read back next, however much is saved meanwhile. */
  ask(): void {
    this.#isAsked = true;
  }

  /** Ends the idle look under way. */
  interrupt(): void {
    this.#underWay?.abort();
  }

  swapped(): void {
    this.#isReadBack = false;
    this.#schedule.swapped(this.#options.clock.monotonicMs(), this.#losses);
  }

  /** An attempt has read back what is saved. */
  proved(): void {
    this.#isReadBack = true;
    this.#isAsked = false;
    this.#losses = 0;
    this.#schedule.made("version", this.#options.clock.monotonicMs());
  }

  lost(): void {
    this.#losses += 1;
  }

  /** An attempt has shown that the store answers. */
  recovered(): void {
    this.#failures = 0;
  }

  /** Runs the look that is due. An interrupted or failed look is repeated later. */
  async whileIdle(): Promise<void> {
    const isAsked = this.#isAsked;
    const depth = isAsked ? "version" : this.#schedule.next.depth;
    const underWay = new AbortController();
    this.#underWay = underWay;
    try {
      const failed = await this.#look(depth, underWay.signal);
      if (isAsked) this.#isAsked = false;
      if (failed === null) return;
      this.#schedule.failed(depth, this.#options.clock.monotonicMs() + failed.retryInMs);
    } catch (error) {
      if (!underWay.signal.aborted) throw error;
    } finally {
      this.#underWay = null;
    }
  }

  /**
   * Looks until it succeeds, something becomes due, or `abort`: then it throws "aborted" if it failed.
   */
  async confirm(isNothingDue: () => boolean, abort: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const lossesMs = this.#losses === 0 ? 0 : backoffMs(this.#losses, random, storeBackoff);
    if (lossesMs > 0) await sleepUntil(clock, lossesMs, [abort]);
    while (isNothingDue() && !abort.aborted) {
      const failed = await this.#look("version", abort);
      if (failed === null) return;
      await sleepUntil(clock, failed.retryInMs, [abort]);
      if (abort.aborted) throw gaveUp(failed.error);
    }
    // Nothing has seen the backup in the store, so nothing may claim that it is there.
    const isUnproved = this.#options.look !== undefined && !this.#isReadBack;
    if (isUnproved && isNothingDue()) throw gaveUp(null);
  }

  /** Null once it succeeded. */
  async #look(depth: LookDepth, signal: AbortSignal): Promise<FailedLook | null> {
    const { look, canPass, tell, onLost, onSuperseded, clock, random } = this.#options;
    if (look === undefined) return null;
    try {
      const found = await abortable(look(depth, signal), signal);
      this.#schedule.made(depth, clock.monotonicMs());
      if (this.#failures > 0) tell({ kind: "recovered", attempts: this.#failures + 1 });
      this.#failures = 0;
      if (found.kind === "save-anew") onLost(found.error);
      else if (found.kind === "confirmed") {
        if (depth === "version") this.proved();
        tell({ kind: "confirmed", depth });
      }
      return null;
    } catch (caught) {
      const error = ScbError.from(caught);
      if (error.code === "superseded") {
        onSuperseded();
        return null;
      }
      if (!canPass(error)) throw error;
      this.#failures += 1;
      const retryInMs = Math.round(backoffMs(this.#failures, random, storeBackoff));
      if (this.#failures === 1) tell({ kind: "retrying", error, attempt: 1, retryInMs });
      return { error, retryInMs };
    }
  }
}

export function gaveUp(trouble: ScbError | null): ScbError {
  const message = trouble === null ? "stopped before it was done" : `gave up: ${trouble.message}`;
  return new ScbError("aborted", message, { cause: trouble });
}
