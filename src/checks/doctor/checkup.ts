import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";

/** "unknown": it couldn't be found out, which is no problem in itself. */
export type CheckLevel = "good" | "unknown" | "warning" | "problem";

export interface Finding {
  readonly level: CheckLevel;
  /** What was found, and what to do about it. */
  readonly message: string;
}

export interface DoctorCheck extends Finding {
  readonly name: string;
  /** The store that it is about; absent if it is about none. */
  readonly store?: string;
  /** False only for a problem. */
  readonly ok: boolean;
}

export interface CheckupOptions {
  readonly clock: Clock;
  /** No check takes longer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called with the name of each check as it begins. */
  readonly onCheck: (name: string) => void;
}

/** The findings of one run of doctor, in the order of the checks. A check that fails is a finding too. */
export class Checkup {
  readonly checks: DoctorCheck[] = [];
  readonly #options: CheckupOptions;
  readonly #store: { readonly store?: string };

  /** `store`: the name of the store that all of them are about. */
  constructor(options: CheckupOptions, store?: string) {
    this.#options = options;
    this.#store = store === undefined ? {} : { store };
  }

  add(name: string, level: CheckLevel, message: string): void {
    this.checks.push({ name, ok: level !== "problem", level, message, ...this.#store });
  }

  /**
   * Runs one check and adds its finding, which `describe` makes from the result, or `onError` from the
   * failure (default: a problem with the error's message). Resolves to the result or the failure. Throws
   * "aborted" if doctor was stopped, and "internal" for a defect.
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
    if (signal.aborted)
      throw new ScbError("aborted", "doctor was stopped before it had checked everything");
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
        throw new ScbError("aborted", "doctor was stopped before it had checked everything", {
          cause: error,
        });
      }
      if (!limit.signal.aborted || !hasCode(error, "aborted")) return error;
      const message = `the check didn't finish within ${timeoutMs / 1000} s (--timeout): ${error.message}`;
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
