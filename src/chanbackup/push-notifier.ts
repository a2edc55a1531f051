import { canonicalOutPoint, formatOutPoint } from "../wire/out-point.ts";
import type { ChannelEvent, ChannelNotifier, ChannelSubscription } from "./channel-notifier.ts";
import { type ChannelWithAddrs, newSingle } from "./new-single.ts";
import { serializeSingle } from "./single-codec.ts";

/** What is known about a channel: its last report, or that it is closed. */
type Known = ChannelWithAddrs | "closed";

/**
 * A `ChannelNotifier` for programs that learn about their channels from calls or events of their own:
 * they call `opened` and `closed` instead of writing an async iterator. Reports may come before anything
 * subscribes, and while nothing does: none is lost. It never reports a channel as closed unless it was
 * told so.
 */
export class PushNotifier implements ChannelNotifier {
  /** By channel point. */
  readonly #known = new Map<string, Known>();
  /** Channels reported while nothing listened. */
  readonly #unheard = new Set<string>();
  readonly #listeners = new Set<Listener>();

  /**
   * Reports that the channel is open, about to be, or has changed: for example, its funding was
   * confirmed, or its peer has other addresses. Keeps `channel`, so don't change it afterwards. Throws
   * "encode" or "key" for a channel that no backup can hold.
   */
  opened(channel: ChannelWithAddrs): void {
    serializeSingle(newSingle(channel));
    this.#report(formatOutPoint(channel.fundingOutpoint), channel);
  }

  /**
   * Reports that the channel is closed and *fully resolved*: until all of its funds are back, only a
   * backup that holds it can recover them. `channelPoint` is "txid:index", as `formatOutPoint` writes it.
   * Throws "decode" if it is invalid.
   */
  closed(channelPoint: string): void {
    this.#report(canonicalOutPoint(channelPoint), "closed");
  }

  async subscribeChans(
    knownChans: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ChannelSubscription> {
    const listener = new Listener();
    for (const [point, known] of this.#known) {
      const isNews = this.#unheard.has(point) || knownChans.has(point) === (known === "closed");
      if (isNews) listener.hear(point, known);
    }
    this.#unheard.clear();
    this.#listeners.add(listener);
    const cancel = (): void => {
      if (!this.#listeners.delete(listener)) return;
      for (const point of listener.end()) this.#unheard.add(point);
      signal?.removeEventListener("abort", cancel);
    };
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
    return { chanUpdates: listener.events(), cancel };
  }

  #report(point: string, known: Known): void {
    this.#known.set(point, known);
    if (this.#listeners.size === 0) this.#unheard.add(point);
    for (const listener of this.#listeners) listener.hear(point, known);
  }
}

/**
 * What one subscriber has yet to receive: the latest report on each channel, so it never outgrows them.
 */
class Listener {
  readonly #waiting = new Map<string, Known>();
  /**
   * Delivered but not known to be processed: a subscriber that has processed an event asks for the next.
   */
  #given: readonly string[] = [];
  #wake = Promise.withResolvers<void>();
  #hasEnded = false;

  hear(point: string, known: Known): void {
    this.#waiting.set(point, known);
    this.#wake.resolve();
  }

  /** The channels whose latest report was not received. */
  end(): readonly string[] {
    this.#hasEnded = true;
    this.#wake.resolve();
    return [...this.#given, ...this.#waiting.keys()];
  }

  async *events(): AsyncGenerator<ChannelEvent, void> {
    for (;;) {
      await this.#wake.promise;
      if (this.#hasEnded) return;
      this.#wake = Promise.withResolvers();
      this.#given = [...this.#waiting.keys()];
      yield this.#take();
      this.#given = [];
    }
  }

  #take(): ChannelEvent {
    const newChans: ChannelWithAddrs[] = [];
    const closedChans: string[] = [];
    for (const [point, known] of this.#waiting) {
      if (known === "closed") closedChans.push(point);
      else newChans.push(known);
    }
    this.#waiting.clear();
    return { newChans, closedChans };
  }
}
