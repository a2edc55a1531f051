import { sortedByChannelPoint } from "../../chanbackup/channel-points.ts";
import type { LimboChannel } from "../../chanbackup/snapshot.ts";
import type {
  ClosedChannelsResponse,
  PendingChannelsResponse,
  PendingChannelsResponse_PendingChannel,
} from "./gen/lnrpc_pb.ts";

/** lnd `channeldb.ChannelStatus`, as `PendingChannels` spells it: names joined by "|". */
const restoredFlag = "ChanStatusRestored";
const closeSentFlags = ["ChanStatusCommitBroadcasted", "ChanStatusCoopBroadcasted"];
/**
 * lnd `ChannelCloseSummary_ABANDONED`: forgotten on an operator's command, whether or not it was closed.
 */
const abandoned = 5;

/** A channel that is closing, as `PendingChannels` reports it. */
export interface ClosingChannel extends LimboChannel {
  readonly channel: PendingChannelsResponse_PendingChannel;
  /**
   * The channel exists in lnd's database only because a backup was restored. From the restore until a
   * close has confirmed, lnd lists it as waiting for its close
   * (`ChannelStateDB.FetchWaitingCloseChannels`: any status but the default one).
   */
  readonly isRestored: boolean;
}

/** Every channel that lnd no longer calls open, nor yet fully resolved, in lnd's order. */
export function* closingIn(response: PendingChannelsResponse): Generator<ClosingChannel> {
  const { pendingClosingChannels, waitingCloseChannels, pendingForceClosingChannels } = response;
  for (const { channel } of pendingClosingChannels) {
    if (channel !== undefined) yield closing(channel, channel.localBalance);
  }
  for (const { channel, limboBalance } of waitingCloseChannels) {
    if (channel !== undefined) yield closing(channel, limboBalance);
  }
  for (const { channel, limboBalance, ...locks } of pendingForceClosingChannels) {
    if (channel === undefined) continue;
    const heights = [locks, ...locks.pendingHtlcs].map(({ maturityHeight }) => maturityHeight);
    yield closing(channel, limboBalance, Math.max(...heights));
  }
}

/** `height` is 0 for none, as in lnd. */
function closing(
  channel: PendingChannelsResponse_PendingChannel,
  limboBalance: bigint,
  height = 0,
): ClosingChannel {
  return {
    channel,
    channelPoint: channel.channelPoint,
    limboSat: Number(limboBalance),
    maturityHeight: height === 0 ? null : height,
    isRestored: flagsOf(channel).includes(restoredFlag),
  };
}

/** Channels that exist only because of a restore, and whose close lnd awaits. */
export function restoredIn(response: PendingChannelsResponse): readonly string[] {
  return [...closingIn(response)]
    .filter(({ isRestored }) => isRestored)
    .map(({ channelPoint }) => channelPoint);
}

/** All other closing channels, sorted. */
export function limboIn(response: PendingChannelsResponse): readonly LimboChannel[] {
  const limbo = [...closingIn(response)].filter(({ isRestored }) => !isRestored);
  return sortedByChannelPoint(limbo).map(({ channelPoint, limboSat, maturityHeight }) => ({
    channelPoint,
    limboSat,
    maturityHeight,
  }));
}

/** Channels whose close is on the chain, or was sent there by lnd itself or with its consent. */
export function closedIn(
  pending: PendingChannelsResponse,
  closed: ClosedChannelsResponse,
): string[] {
  const closing = [...pending.pendingClosingChannels, ...pending.pendingForceClosingChannels];
  const sent = pending.waitingCloseChannels.filter(({ channel }) => {
    const flags = channel === undefined ? [] : flagsOf(channel);
    return closeSentFlags.some((flag) => flags.includes(flag)) && !flags.includes(restoredFlag);
  });
  return [
    ...[...closing, ...sent].map(({ channel }) => channel?.channelPoint ?? ""),
    ...closed.channels
      .filter(({ closeType }) => closeType !== abandoned)
      .map(({ channelPoint }) => channelPoint),
  ].filter((point) => point !== "");
}

function flagsOf({ chanStatusFlags }: { readonly chanStatusFlags: string }): string[] {
  return chanStatusFlags.split("|");
}
