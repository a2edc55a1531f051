import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";

/** "unknown": could not be found out, and is no problem in itself. */
export type CheckLevel = "good" | "unknown" | "warning" | "problem";

export interface Finding {
  readonly level: CheckLevel;
  /** What was found, and what to do about it. */
  readonly message: string;
}

export interface DoctorCheck extends Finding {
  readonly name: string;
  /** The name of the store that it is about; absent for what is about none. */
  readonly store?: string;
  /** False only for a problem. */
  readonly ok: boolean;
}

export interface CheckupOptions {
  readonly clock: Clock;
  /** No check takes longer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Hears the name of each check that begins. */
  readonly onCheck: (name: string) => void;
}

/** The findings of one visit, in the order of the checks. A check that fails is a finding too. */
export class Checkup {
  readonly checks: DoctorCheck[] = [];
  readonly #options: CheckupOptions;
  readonly #store: { readonly store?: string };

  /** `store`: the name of the one that all of them are about. */
  constructor(options: CheckupOptions, store?: string) {
    this.#options = options;
    this.#store = store === undefined ? {} : { store };
  }

  add(name: string, level: CheckLevel, message: string): void {
    this.checks.push({ name, ok: level !== "problem", level, message, ...this.#store });
  }

  /**
   * Runs one check and notes what it found: `describe` tells it of its result, `onError` of its
   * failure where that is more than a problem with the failure's own words. Gives the result or the
   * failure. Throws "aborted" when the visit is over, "internal" for a defect.
   */
  async run<T>(
    name: string,
    check: (signal: AbortSignal) => Promise<T>,
    describe: (result: T) => Finding,
    onError: (error: ScbError) => Finding = problem,
  ): Promise<T | ScbError> {
    const outcome = await this.#bounded(name, check);
    const { level, message } = outcome instanceof ScbError ? onError(outcome) : describe(outcome);
    this.add(name, level, message);
    return outcome;
  }

  async #bounded<T>(
    name: string,
    check: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | ScbError> {
    const { clock, timeoutMs, signal, onCheck } = this.#options;
    if (signal.aborted) throw new ScbError("aborted", "stopped before everything was checked");
    onCheck(name);
    const limit = new AbortController();
    const ended = new AbortController();
    const timing = clock.sleep(timeoutMs, ended.signal).then(
      () => limit.abort(),
      () => undefined,
    );
    try {
      return await check(AbortSignal.any([signal, limit.signal]));
    } catch (thrown) {
      const error = ScbError.from(thrown);
      if (error.code === "internal") throw error;
      if (signal.aborted) {
        throw new ScbError("aborted", "stopped before everything was checked", { cause: error });
      }
      if (!limit.signal.aborted || !hasCode(error, "aborted")) return error;
      const message = `it was not done within ${timeoutMs / 1000} s (--timeout): ${error.message}`;
      return new ScbError("aborted", message, { cause: error });
    } finally {
      ended.abort();
      await timing;
    }
  }
}

export function problem({ message }: { readonly message: string }): Finding {
  return { level: "problem", message };
}

export function good(message: string): Finding {
  return { level: "good", message };
}

export function warning(message: string): Finding {
  return { level: "warning", message };
}

export function unknown(message: string): Finding {
  return { level: "unknown", message };
}
