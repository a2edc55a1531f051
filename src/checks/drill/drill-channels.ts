import PQueue from "p-queue";
import { sortedChannelPoints } from "../../chanbackup/channel-points.ts";
import type { CommitmentKind, NodeSurvey, SurveyedChannel } from "../../chanbackup/node-survey.ts";
import type { Single } from "../../chanbackup/single.ts";
import type { Dialler, DialResult } from "../../node/peer-dialler.ts";
import { formatNetAddress } from "../../wire/net-address.ts";
import { formatOutPoint } from "../../wire/out-point.ts";
import { openedPoints } from "../cover.ts";
import type { Evidence, FolderEvidence } from "../evidence.ts";
import type { DrilledAddress, DrilledChannel } from "./drill-report.ts";

const concurrentDials = 16;

export interface ChannelSources {
  /** What a restore would use, and the channels in it according to whatever opened it. */
  readonly evidence: Evidence;
  /** The decoded current version; null without a key. */
  readonly singles: readonly Single[] | null;
  /** Null if no node was asked or it didn't answer. */
  readonly survey: NodeSurvey | null;
  /** Null if dialling wasn't asked for. */
  readonly dialler: Dialler | null;
  readonly signal?: AbortSignal | undefined;
}

/** Every channel in the backup or the node, sorted, with what a restore would bring back from it. */
export async function drillChannels(sources: ChannelSources): Promise<DrilledChannel[]> {
  const { evidence, singles, survey, dialler, signal } = sources;
  const { version } = evidence.folder;
  const opened = version && openedPoints(version);
  const held = opened && new Set(opened);
  const also = alsoHeld(evidence.folder);
  const decoded = new Map(
    (singles ?? []).map((single) => [formatOutPoint(single.fundingOutpoint), single]),
  );
  const live = new Map((survey?.channels ?? []).map((channel) => [channel.channelPoint, channel]));
  const channels = sortedChannelPoints(
    new Set([...(held ?? []), ...live.keys(), ...neededPoints(evidence.folder, also)]),
  ).map((channelPoint) =>
    describeChannel({
      channelPoint,
      isHeld: held?.has(channelPoint) ?? null,
      inAlso: also.get(channelPoint) ?? null,
      single: decoded.get(channelPoint),
      live: live.get(channelPoint),
      survey,
    }),
  );
  const dialled =
    dialler === null ? new Map<string, DialResult>() : await dialAll(channels, dialler, signal);
  return channels.map((channel) => withReach(channel, dialled, singles !== null));
}

/** Maps a channel point to the older version that was seen to hold it, if a restore also uses one. */
function alsoHeld({ also }: FolderEvidence): ReadonlyMap<string, string> {
  return new Map(
    also.flatMap((version) =>
      (openedPoints(version) ?? []).map((point) => [point, version.key] as const),
    ),
  );
}

/** The channels for which older versions are needed: their other channels are closed or in the current one. */
function neededPoints(
  { current }: FolderEvidence,
  also: ReadonlyMap<string, string>,
): readonly string[] {
  if (!current.known || current.value.kind !== "held") return [];
  return current.value.held.alsoRestore.flatMap(({ key, channelPoints }) =>
    channelPoints.filter((point) => also.get(point) === key),
  );
}

interface OneChannel {
  readonly channelPoint: string;
  readonly isHeld: boolean | null;
  readonly inAlso: string | null;
  readonly single: Single | undefined;
  readonly live: SurveyedChannel | undefined;
  readonly survey: NodeSurvey | null;
}

function describeChannel(one: OneChannel): DrilledChannel {
  const { channelPoint, isHeld, inAlso, single, live, survey } = one;
  const peer =
    single === undefined ? (live?.peer ?? null) : Buffer.from(single.remoteNodePub).toString("hex");
  const state = live?.state ?? stateOfSurplus(channelPoint, survey);
  const commitment =
    single === undefined ? (live?.commitment ?? null) : commitmentOf[single.version];
  const isOver = state === "closed" || state === "closing";
  const isInitiator = single?.isInitiator ?? live?.isInitiator ?? null;
  const leaseExpiry = single?.leaseExpiry ?? live?.leaseExpiryHeight ?? null;
  const peers = survey?.peers;
  const connection = peers?.known === true && peer !== null ? peers.value.get(peer) : undefined;
  return {
    channelPoint,
    inBackup: isHeld,
    inAlso,
    state,
    peer,
    capacitySat: single?.capacitySat ?? live?.capacitySat ?? null,
    comesBackSat: state === "closed" ? 0 : comesBack(live),
    maturityHeight: live?.maturityHeight ?? null,
    inFlightSat: live?.inFlightSat ?? null,
    commitment,
    delayBlocks: isOver || commitment === null ? null : delayBlocksOf[commitment],
    notBeforeHeight: isInitiator === true && !isOver ? leaseExpiry : null,
    ownCsvDelayBlocks: single?.localChanCfg.csvDelay ?? live?.csvDelayBlocks ?? null,
    connected: peers?.known === true ? connection !== undefined : null,
    connectedAt: connection?.address ?? null,
    inbound: connection?.isInbound ?? null,
    reach: "not-tried",
    addresses: addressesOf(one, peer),
  };
}

function stateOfSurplus(channelPoint: string, survey: NodeSurvey | null): DrilledChannel["state"] {
  if (survey === null || !survey.closed.known) return null;
  return survey.closed.value.has(channelPoint) ? "closed" : "unknown";
}

/** An output below the dust limit isn't in the peer's commitment: the amount goes to the miners. */
function comesBack(live: SurveyedChannel | undefined): number | null {
  // Only the peer knows the balance of a channel that was restored.
  if (live === undefined || live.state === "restored") return null;
  const isDust = live.state === "open" && live.localBalanceSat < (live.peerDustLimitSat ?? 0);
  return isDust ? 0 : live.localBalanceSat;
}

const commitmentOf: Readonly<Record<Single["version"], CommitmentKind>> = {
  0: "legacy",
  1: "static-remote-key",
  2: "anchors",
  3: "anchors",
  4: "lease",
  5: "taproot",
  6: "taproot",
  7: "taproot",
};

/** Delay of our output in the peer's commitment. Source: lnd `lnwallet.CommitScriptToRemote`. */
const delayBlocksOf: Readonly<Record<CommitmentKind, number>> = {
  legacy: 0,
  "static-remote-key": 0,
  anchors: 1,
  lease: 1,
  taproot: 1,
};

function addressesOf(
  { single, isHeld, survey }: OneChannel,
  peer: string | null,
): readonly DrilledAddress[] {
  const held = new Set(single?.addresses.map(formatNetAddress));
  const told = survey?.announced;
  const announced = new Set(
    told?.known === true && peer !== null ? (told.value.get(peer) ?? []) : [],
  );
  return [...new Set([...held, ...announced])].sort().map((address) => ({
    address,
    inBackup: single === undefined && isHeld !== false ? null : held.has(address),
    announced: told?.known === true ? announced.has(address) : null,
    dial: null,
  }));
}

/** The port from which a peer dialled us can't be dialled. */
function isDiallable(
  { inbound, connectedAt }: DrilledChannel,
  { address, announced }: DrilledAddress,
): boolean {
  return announced === true || inbound !== true || address !== connectedAt;
}

/** Dials each address once, however many channels share it. */
async function dialAll(
  channels: readonly DrilledChannel[],
  dialler: Dialler,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, DialResult>> {
  const wanted = new Set(
    channels
      .filter(({ state }) => state !== "closed")
      .flatMap((channel) => channel.addresses.filter((address) => isDiallable(channel, address)))
      .map(({ address }) => address),
  );
  const results = new Map<string, DialResult>();
  const queue = new PQueue({ concurrency: concurrentDials });
  await queue.addAll(
    [...wanted].map((address) => async () => {
      results.set(address, await dialler.dial(address, signal));
    }),
  );
  return results;
}

function withReach(
  channel: DrilledChannel,
  dialled: ReadonlyMap<string, DialResult>,
  isDecoded: boolean,
): DrilledChannel {
  const addresses = channel.addresses.map((address) => ({
    ...address,
    dial: isDiallable(channel, address) ? (dialled.get(address.address) ?? null) : null,
  }));
  const outcomes = addresses
    .filter((address) => isDiallable(channel, address))
    .map(({ dial }) => dial?.outcome ?? "not-tried");
  return { ...channel, addresses, reach: reachOf(outcomes, isDecoded) };
}

function reachOf(
  outcomes: readonly DialResult["outcome"][],
  isDecoded: boolean,
): DrilledChannel["reach"] {
  // Without a key, the backup may hold addresses that aren't known here.
  if (outcomes.length === 0) return isDecoded ? "must-come" : "not-tried";
  if (outcomes.includes("answers")) return "answers";
  return isDecoded && outcomes.every((outcome) => outcome === "no-answer")
    ? "no-answer"
    : "not-tried";
}
