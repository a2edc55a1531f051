import { abortable, throwIfAborted } from "./abort.ts";
import type { Clock } from "./clock.ts";

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  /** What is thrown once the time is over. */
  readonly late: () => Error;
}

/**
 * Runs `work` for `ms` at most. It is handed a signal that aborts at the end of that time, or with
 * `signal`. The caller is let go at that moment even if the work doesn't heed the signal: with
 * "aborted" for `signal`, else with what `late` makes. Work that was let go may still do things.
 */
export async function withinDeadline<T>(
  { clock, ms, signal, late }: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const done = new AbortController();
  const expiry = new AbortController();
  const within = signal === undefined ? expiry.signal : AbortSignal.any([signal, expiry.signal]);
  void expire();
  try {
    return await abortable(abortable(work(within), expiry.signal), signal);
  } catch (error) {
    throw expiry.signal.aborted ? expiry.signal.reason : error;
  } finally {
    done.abort();
  }

  async function expire(): Promise<void> {
    try {
      await clock.sleep(ms, done.signal);
      expiry.abort(late());
    } catch (error) {
      // The work ended in time.
      if (!done.signal.aborted) throw error;
    }
  }
}
