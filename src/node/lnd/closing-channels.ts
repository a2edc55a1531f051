import type { ClosedChannelsResponse, PendingChannelsResponse } from "./gen/lnrpc_pb.ts";

/** lnd `channeldb.ChannelStatus`, as `PendingChannels` spells it: names joined by "|". */
const restoredFlag = "ChanStatusRestored";
const closeSentFlags = ["ChanStatusCommitBroadcasted", "ChanStatusCoopBroadcasted"];
/** lnd `ChannelCloseSummary_ABANDONED`: forgotten at somebody's word, with or without a close. */
const abandoned = 5;

/**
 * The channels that exist in lnd's database only because a backup was restored. lnd lists them as
 * waiting to be closed from the moment of the restore until a close has confirmed
 * (`ChannelStateDB.FetchWaitingCloseChannels`: any status but the default one).
 */
export function restoredIn({ waitingCloseChannels }: PendingChannelsResponse): string[] {
  return waitingCloseChannels.flatMap(({ channel }) =>
    channel !== undefined && flagsOf(channel).includes(restoredFlag) ? [channel.channelPoint] : [],
  );
}

/** The channels whose close is on the chain, or was sent there by lnd itself or with its consent. */
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
