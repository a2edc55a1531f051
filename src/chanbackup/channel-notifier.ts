import type { ChannelWithAddrs } from "./new-single.ts";

/** Channels opened and closed since the previous event. Source: lnd `chanbackup.ChannelEvent`. */
export interface ChannelEvent {
  /**
   * Channels that the node has seen close and that are fully resolved. Until all of a channel's funds are
   * back, only a backup that holds the channel can recover them. A channel that the node merely doesn't
   * know isn't closed: a wiped node looks like that. Channel points are "txid:index", as `formatOutPoint`
   * writes them; an invalid one is reported as "channel-skipped".
   */
  readonly closedChans: readonly string[];
  /** Opened or changed channels. Each replaces what was known about its channel. */
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
 * Reports one node's channels. `knownChans` (channel points, "txid:index") is a synchronisation point:
 * the first event includes everything that opened or closed between the moment when the caller learnt of
 * those channels and the start of the subscription, so that no change is missed.
 *
 * `knownChans` also contains channels that only the saved backup knows. A close of one of them is held
 * back until the program confirms it with `SubSwapper.confirmClosed`. Source: lnd
 * `chanbackup.ChannelNotifier`.
 */
export interface ChannelNotifier {
  subscribeChans(
    knownChans: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ChannelSubscription>;
}
