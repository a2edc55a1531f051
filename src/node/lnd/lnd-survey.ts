import { Code, ConnectError } from "@connectrpc/connect";
import PQueue from "p-queue";
import type {
  CommitmentKind,
  NodePeer,
  NodeSurvey,
  SurveyedChannel,
  Told,
} from "../../chanbackup/node-survey.ts";
import { hasCode } from "../../runtime/error.ts";
import { closingIn } from "./closing-channels.ts";
import type {
  Channel,
  PendingChannelsResponse,
  PendingChannelsResponse_PendingChannel,
} from "./gen/lnrpc_pb.ts";
import type { LndConnection } from "./lnd-connection.ts";

/** Each is a lookup in lnd's graph; more at once would only keep lnd from its work. */
const concurrentLookups = 8;

/**
 * lnd's channels, their contents, and its peers. What the macaroon doesn't permit is returned as not
 * known. Only for the channels themselves it throws, as `LndConnection.call` does.
 */
export async function surveyLnd(
  connection: LndConnection,
  signal?: AbortSignal,
): Promise<NodeSurvey> {
  // Asked before and after: a channel that opens or starts closing in between is in one of the two.
  const before = await pendingChannels(connection, signal);
  const { channels: open } = await connection.call(
    "ListChannels",
    (client, options) => client.listChannels({}, options),
    signal,
  );
  const after = await pendingChannels(connection, signal);
  const closed = await ifAllowed(async () => {
    const { channels } = await connection.call(
      "ClosedChannels",
      (client, options) => client.closedChannels({}, options),
      signal,
    );
    return new Set(channels.map(({ channelPoint }) => channelPoint));
  });
  const channels = new Map(
    [
      ...pendingOpen(before),
      ...pendingOpen(after),
      ...open.map(openChannel),
      ...closingChannels(after),
    ].map((channel) => [channel.channelPoint, channel]),
  );
  const remotes = new Set([...channels.values()].map(({ peer }) => peer));
  return {
    channels: [...channels.values()],
    closed,
    peers: await ifAllowed(() => connectedPeers(connection, signal)),
    announced: await ifAllowed(() => announcedAddresses(connection, remotes, signal)),
  };
}

async function ifAllowed<T>(ask: () => Promise<T>): Promise<Told<T>> {
  try {
    return { known: true, value: await ask() };
  } catch (error) {
    if (hasCode(error, "node-denied")) return { known: false, error };
    throw error;
  }
}

function pendingChannels(
  connection: LndConnection,
  signal: AbortSignal | undefined,
): Promise<PendingChannelsResponse> {
  return connection.call(
    "PendingChannels",
    (client, options) => client.pendingChannels({}, options),
    signal,
  );
}

function openChannel(channel: Channel): SurveyedChannel {
  const commitment = commitmentKinds[channel.commitmentType] ?? null;
  return {
    channelPoint: channel.channelPoint,
    state: "open",
    peer: channel.remotePubkey,
    capacitySat: Number(channel.capacity),
    localBalanceSat: Number(channel.localBalance),
    inFlightSat: Number(channel.unsettledBalance),
    isInitiator: channel.initiator,
    csvDelayBlocks: channel.localConstraints?.csvDelay ?? null,
    commitment,
    leaseExpiryHeight: commitment === "lease" ? channel.thawHeight : null,
    maturityHeight: null,
    peerDustLimitSat:
      channel.remoteConstraints === undefined
        ? null
        : Number(channel.remoteConstraints.dustLimitSat),
  };
}

function* pendingOpen({ pendingOpenChannels }: PendingChannelsResponse) {
  for (const { channel } of pendingOpenChannels) {
    if (channel !== undefined) {
      yield pendingChannel(channel, "pending-open", Number(channel.localBalance));
    }
  }
}

function* closingChannels(response: PendingChannelsResponse) {
  for (const { channel, limboSat, maturityHeight, isRestored } of closingIn(response)) {
    const state = isRestored ? "restored" : "closing";
    yield { ...pendingChannel(channel, state, limboSat), maturityHeight };
  }
}

function pendingChannel(
  channel: PendingChannelsResponse_PendingChannel,
  state: Exclude<SurveyedChannel["state"], "open">,
  localBalanceSat: number,
): SurveyedChannel {
  return {
    channelPoint: channel.channelPoint,
    state,
    peer: channel.remoteNodePub,
    capacitySat: Number(channel.capacity),
    localBalanceSat,
    inFlightSat: 0,
    isInitiator: null,
    csvDelayBlocks: null,
    commitment: commitmentKinds[channel.commitmentType] ?? null,
    leaseExpiryHeight: null,
    maturityHeight: null,
    peerDustLimitSat: null,
  };
}

/** Indexed by lnd's `CommitmentType`. */
const commitmentKinds: readonly (CommitmentKind | null)[] = [
  null,
  "legacy",
  "static-remote-key",
  "anchors",
  "lease",
  "taproot",
  "taproot",
  "taproot",
];

async function connectedPeers(
  connection: LndConnection,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, NodePeer>> {
  const { peers } = await connection.call(
    "ListPeers",
    (client, options) => client.listPeers({}, options),
    signal,
  );
  return new Map(
    peers.map(({ pubKey, address, inbound }) => [pubKey, { address, isInbound: inbound }]),
  );
}

async function announcedAddresses(
  connection: LndConnection,
  pubkeys: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const queue = new PQueue({ concurrency: concurrentLookups });
  const found = await queue.addAll(
    [...pubkeys].map((pubKey) => async (): Promise<readonly [string, readonly string[]]> => {
      const info = await connection.call(
        "GetNodeInfo",
        async (client, options) => {
          try {
            return await client.getNodeInfo({ pubKey }, options);
          } catch (error) {
            // A peer with only private channels has never announced itself.
            if (error instanceof ConnectError && error.code === Code.NotFound) return null;
            throw error;
          }
        },
        signal,
      );
      return [pubKey, (info?.node?.addresses ?? []).map(({ addr }) => addr)];
    }),
  );
  return new Map(found);
}
