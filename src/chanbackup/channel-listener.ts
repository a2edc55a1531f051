import { abortable } from "../runtime/abort.ts";
import { backoffMs, defaultBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ChannelEvent, ChannelNotifier } from "./channel-notifier.ts";

export interface ChannelListenerOptions {
  readonly notifier: ChannelNotifier;
  /** Called for each subscription. */
  readonly knownChans: () => ReadonlySet<string>;
  readonly onEvent: (event: ChannelEvent) => void;
  /** The subscription was lost or could not be made. The next try is after `retryInMs`. */
  readonly onTrouble: (error: ScbError, retryInMs: number) => void;
  /** The subscription works again, after trouble. */
  readonly onRecovered: () => void;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Listens to a notifier until `signal` aborts. If the stream fails or just ends, subscribes again with
 * backoff. Each subscription starts with the known channels, so no change is missed. Ends even if the
 * notifier never answers.
 */
export async function listenToChannels(
  options: ChannelListenerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { notifier, knownChans, onEvent, onTrouble, onRecovered, clock, random } = options;
  let attempt = 0;
  while (!signal.aborted) {
    let sinceMs = Infinity;
    let error: ScbError;
    try {
      const subscribing = notifier.subscribeChans(knownChans(), signal);
      const subscription = await abortable(subscribing, signal);
      try {
        sinceMs = clock.monotonicMs();
        if (attempt > 0) onRecovered();
        for await (const event of until(signal, subscription.chanUpdates)) onEvent(event);
      } finally {
        subscription.cancel();
      }
      error = new ScbError("node-unavailable", "the stream of channel events ended");
    } catch (cause) {
      error = ofNotifier(cause);
    }
    if (signal.aborted) return;
    // A stream that ends right after its first event is no better than none.
    const hasStood = clock.monotonicMs() - sinceMs >= defaultBackoff.maxMs;
    attempt = hasStood ? 1 : attempt + 1;
    const retryInMs = backoffMs(attempt, random);
    onTrouble(error, retryInMs);
    try {
      await clock.sleep(retryInMs, signal);
    } catch (cause) {
      if (!signal.aborted) throw cause;
    }
  }
}

function ofNotifier(cause: unknown): ScbError {
  if (cause instanceof ScbError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ScbError("node-unavailable", `the notifier failed: ${text}`, { cause });
}

/**
 * The notifier's events until `signal` aborts. The listener then ends even if the notifier stays silent.
 * Throws "aborted".
 */
async function* until(
  signal: AbortSignal,
  events: AsyncIterable<ChannelEvent>,
): AsyncGenerator<ChannelEvent, void> {
  const iterator = events[Symbol.asyncIterator]();
  let isWaiting = false;
  try {
    for (;;) {
      isWaiting = true;
      const next = await abortable(iterator.next(), signal);
      isWaiting = false;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // A waiting generator can only be ended by what it waits for, which is the cancel that follows.
    if (!isWaiting) await abortable(Promise.resolve(iterator.return?.()), signal);
  }
}
