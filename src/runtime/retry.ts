import { type BackoffOptions, backoffMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { ScbError } from "./error.ts";
import type { Random } from "./random.ts";

export interface RetryOptions {
  /** Whether this error may pass with time. Any other error is thrown. */
  readonly canPass: (error: ScbError) => boolean;
  readonly backoff: BackoffOptions;
  /** The maximum number of tries. Default: unlimited, until `signal` aborts. */
  readonly maxTries?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Called after each failure, before the wait. */
  readonly onRetry?: ((error: ScbError, attempt: number, retryInMs: number) => void) | undefined;
  /** Ends the waits: then it throws "aborted", naming the last failure. */
  readonly signal?: AbortSignal | undefined;
}

/** Calls `act` until it succeeds, with backoff and full jitter. */
export async function retry<T>(act: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { canPass, backoff, maxTries = Infinity, clock, random, onRetry, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (caught) {
      const error = ScbError.from(caught);
      if (attempt >= maxTries || !canPass(error)) throw error;
      const retryInMs = Math.round(backoffMs(attempt, random, backoff));
      onRetry?.(error, attempt, retryInMs);
      try {
        await clock.sleep(retryInMs, signal);
      } catch (cause) {
        throw new ScbError("aborted", `gave up: ${error.message}`, { cause });
      }
    }
  }
}
