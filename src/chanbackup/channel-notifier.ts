import type { OutPoint } from "../wire/out-point.ts";
import type { ChannelWithAddrs } from "./new-single.ts";

/** Channels opened and closed since the previous event. Source: lnd `chanbackup.ChannelEvent`. */
export interface ChannelEvent {
  readonly closedChans: readonly OutPoint[];
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
 * falls in between. Source: lnd `chanbackup.ChannelNotifier`.
 */
export interface ChannelNotifier {
  subscribeChans(
    knownChans: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ChannelSubscription>;
}
