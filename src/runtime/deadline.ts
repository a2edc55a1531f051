import { abortable, throwIfAborted } from "./abort.ts";
import type { Clock } from "./clock.ts";

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  /** Makes the error that is thrown at the deadline. */
  readonly late: () => Error;
}

export interface Deadline {
  /** Aborts at the deadline, or with the caller's signal. */
  readonly signal: AbortSignal;
  /** Postpones the deadline: a larger task may take longer. */
  extend(ms: number): void;
}

/**
 * Runs `work` for at most `ms`. At the deadline, or when `signal` aborts, the caller gets the error from
 * `late`, or "aborted", even if the work ignores its signal. Abandoned work may still have effects.
 */
export async function withinDeadline<T>(
  { clock, ms, signal, late }: DeadlineOptions,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const done = new AbortController();
  const expiry = new AbortController();
  const within = signal === undefined ? expiry.signal : AbortSignal.any([signal, expiry.signal]);
  let endsMs = clock.monotonicMs() + ms;
  const deadline: Deadline = {
    signal: within,
    extend(moreMs) {
      endsMs += moreMs;
    },
  };
  void expire();
  try {
    return await abortable(abortable(work(deadline), expiry.signal), signal);
  } catch (error) {
    throw expiry.signal.aborted ? expiry.signal.reason : error;
  } finally {
    done.abort();
  }

  async function expire(): Promise<void> {
    try {
      for (let leftMs = ms; leftMs > 0; leftMs = endsMs - clock.monotonicMs()) {
        await clock.sleep(leftMs, done.signal);
      }
      expiry.abort(late());
    } catch (error) {
      // The work ended in time.
      if (!done.signal.aborted) throw error;
    }
  }
}
