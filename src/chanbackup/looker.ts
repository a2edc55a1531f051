import { abortable } from "../runtime/abort.ts";
import { backoffMs, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { EngineEvent } from "./engine-events.ts";
import { type Look, type LookDepth, LookSchedule, type LookTiming } from "./look.ts";
import { sleepUntil } from "./nap.ts";

export interface LookerOptions extends LookTiming {
  /** Without it nothing is looked at. */
  readonly look?: Look | undefined;
  /** Whether time may heal this error. */
  readonly canPass: (error: ScbError) => boolean;
  readonly tell: (
    event: Extract<EngineEvent<object, object>, { kind: "confirmed" | "retrying" | "recovered" }>,
  ) => void;
  readonly onLost: (error: ScbError) => void;
  /** Another writer has replaced what was saved. */
  readonly onSuperseded: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

interface FailedLook {
  readonly error: ScbError;
  readonly retryInMs: number;
}

/** Reads back what an engine has saved: while it has nothing to do, and before it stops. */
export class Looker {
  readonly #options: LookerOptions;
  readonly #schedule: LookSchedule;
  #underWay: AbortController | null = null;
  /** In a row. */
  #failures = 0;
  #losses = 0;
  #isReadBack = false;
  #isAsked = false;

  constructor(options: LookerOptions) {
    this.#options = options;
    this.#schedule = new LookSchedule(options, options.clock.monotonicMs());
  }

  /** How long until the next look while nothing else happens. */
  get dueInMs(): number {
    const { look, clock } = this.#options;
    if (look !== undefined && this.#isAsked) return 0;
    return look === undefined ? Infinity : this.#schedule.next.atMs - clock.monotonicMs();
  }

  /** The last look could not be made. */
  get isTroubled(): boolean {
    return this.#failures > 0;
  }

  /** What was saved last was read back since. */
  get isReadBack(): boolean {
    return this.#isReadBack;
  }

  /** Somebody wants to know: the version is read back next, however often something is saved meanwhile. */
  ask(): void {
    this.#isAsked = true;
  }

  /** Ends the look that is made while nothing is due. */
  interrupt(): void {
    this.#underWay?.abort();
  }

  swapped(): void {
    this.#isReadBack = false;
    this.#schedule.swapped(this.#options.clock.monotonicMs(), this.#losses);
  }

  /** What is saved was read back by an attempt. */
  proved(): void {
    this.#isReadBack = true;
    this.#isAsked = false;
    this.#losses = 0;
    this.#schedule.made("version", this.#options.clock.monotonicMs());
  }

  lost(): void {
    this.#losses += 1;
  }

  /** The store answers, as an attempt has seen. */
  recovered(): void {
    this.#failures = 0;
  }

  /** Makes the look that is due. One that is interrupted, or fails, is made another time. */
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

  /** Looks until it can, something is due, or `abort`: then it throws "aborted" if it couldn't. */
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
    // Nobody has seen it in the store, so nobody may say that it is there.
    const isUnproved = this.#options.look !== undefined && !this.#isReadBack;
    if (isUnproved && isNothingDue()) throw gaveUp(null);
  }

  /** Null once it is made. */
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
