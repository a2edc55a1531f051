import type { Encrypter } from "../keychain/encrypter.ts";
import { contentsOfMulti } from "./backup-contents.ts";
import { sortedByChannelPoint, sortedChannelPoints } from "./channel-points.ts";
import { unpackMulti } from "./packed-multi.ts";
import type { LimboChannel, NodeWitness } from "./snapshot.ts";

/**
 * What a program's own node says about its channels when asked. Channel points are "txid:index". Throw
 * "node-unavailable" while the node can't tell: then nothing is concluded, and nothing is overwritten. An
 * invalid channel point is "decode".
 */
export interface NodeChannels {
  /** Open or about to be: a backup has to hold these. */
  openChannelPoints(signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * Known to be closed, or with their close on its way: a newer backup may lack these. Never a channel
   * that the node merely doesn't know.
   */
  closedChannelPoints(signal?: AbortSignal): Promise<readonly string[]>;
  /** Closing or closed, with funds that aren't home yet. Default: none. */
  limboChannels?(signal?: AbortSignal): Promise<readonly LimboChannel[]>;
}

/** The same as a witness. The key tells which channels a backup holds. */
export function witnessOf(channels: NodeChannels, encrypter: Encrypter): NodeWitness {
  return {
    openChannelPoints: async (signal) =>
      sortedChannelPoints(await channels.openChannelPoints(signal)),
    closedChannelPoints: async (signal) =>
      sortedChannelPoints(await channels.closedChannelPoints(signal)),
    limboChannels: async (signal) =>
      sortedByChannelPoint((await channels.limboChannels?.(signal)) ?? []),
    channelPointsOf: async (packed) =>
      contentsOfMulti(unpackMulti(packed, encrypter)).channelPoints,
  };
}
