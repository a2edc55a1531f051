import type { ChannelWithAddrs } from "./new-single.ts";

/** Channels opened and closed since the previous event. Source: lnd `chanbackup.ChannelEvent`. */
export interface ChannelEvent {
  /**
   * Channel points, "txid:index" as `formatOutPoint` writes them; one that is none is told as
   * "channel-skipped". Channels that the node has seen close, and that are fully resolved: until all of a channel's funds
   * are back, only a backup that holds it brings them back. A channel that the node merely doesn't
   * know isn't closed: that is how a node looks that was wiped.
   */
  readonly closedChans: readonly string[];
  /** Opened or changed: each replaces what was known of its channel. */
  readonly newChans: readonly ChannelWithAddrs[];
}

/** A running subscription. Source: lnd `chanbackup.ChannelSubscription`. */
export interface ChannelSubscription {
  /** Ends when the subscription is cancelled; throws when the source of events is lost. */
  readonly chanUpdates: AsyncIterable<ChannelEvent>;
  /** Ends the subscription and frees what it holds. May be called twice. */
  cancel(): void;
}

/**
 * Reports the channels of one node. `knownChans` (channel points, "txid:index") is a
 * synchronisation point: the first event makes up whatever opened or closed between the moment at
 * which the caller learnt of them and the moment at which the subscription stood, so that no event
 * falls in between.
 *
 * `knownChans` also holds channels that only the saved backup knows. A close of one of them is held
 * back until the program confirms it with `SubSwapper.confirmClosed`. Source: lnd
 * `chanbackup.ChannelNotifier`.
 */
export interface ChannelNotifier {
  subscribeChans(
    knownChans: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ChannelSubscription>;
}
