import { type BackoffOptions, backoffMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { ScbError } from "./error.ts";
import type { Random } from "./random.ts";

export interface RetryOptions {
  /** Whether time may heal this error. Any other is thrown. */
  readonly canPass: (error: ScbError) => boolean;
  readonly backoff: BackoffOptions;
  /** How often it acts at most. Default: without end, until `signal` aborts. */
  readonly maxTries?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of each failure, before the wait. */
  readonly onRetry?: ((error: ScbError, attempt: number, retryInMs: number) => void) | undefined;
  /** Ends the waits: then it throws "aborted", and says what it waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** Acts, and acts again with backoff and full jitter, until it succeeds. */
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
