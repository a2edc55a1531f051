import { abortable, throwIfAborted } from "./abort.ts";
import type { Clock } from "./clock.ts";

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  /** What is thrown once the time is over. */
  readonly late: () => Error;
}

export interface Deadline {
  /** Aborts when the time is over, or with the caller's signal. */
  readonly signal: AbortSignal;
  /** Puts the end off: what turns out to be larger may take longer. */
  extend(ms: number): void;
}

/**
 * Runs `work` for `ms` at most. The caller is let go at that moment, or when `signal` aborts, even if
 * the work doesn't heed its signal: with what `late` makes, or "aborted". Work that was let go may
 * still do things.
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
