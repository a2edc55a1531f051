import fc from "fast-check";
import type { NodeSurvey, SurveyedChannel } from "../../src/chanbackup/node-survey.ts";
import { packMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single, SingleVersion } from "../../src/chanbackup/single.ts";
import type { NodeWitness } from "../../src/chanbackup/snapshot.ts";
import { type DrillOptions, runDrill } from "../../src/checks/drill/drill.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { NetAddress } from "../../src/wire/net-address.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { arbitrarySingleOf } from "../chanbackup/arbitraries.ts";
import { FaultyStore } from "./faulty-store.ts";
import { hastyClock } from "./hasty-clock.ts";
import { candidateOf, makeSwapper } from "./mirror-fixture.ts";

export const drillKey = backupKeyEncrypter(Buffer.alloc(32, 0x5a), systemRandom);

/** A channel of this type, whose peer is at these addresses. */
export function singleOf(
  version: SingleVersion,
  change: Partial<Single> = {},
  addresses: readonly NetAddress[] = [loopback(9735)],
): Single {
  const [single] = fc.sample(arbitrarySingleOf(version), { numRuns: 1, seed: version + 1 });
  if (single === undefined) throw new Error("no sample");
  return { ...single, addresses, ...change };
}

export function loopback(port: number): NetAddress {
  return { kind: "tcp4", host: Uint8Array.of(127, 0, 0, 1), port };
}

export const pointOf = (single: Single): string => formatOutPoint(single.fundingOutpoint);
export const peerOf = (single: Single): string => Buffer.from(single.remoteNodePub).toString("hex");

/** As the node would report it. */
export function liveOf(single: Single, change: Partial<SurveyedChannel> = {}): SurveyedChannel {
  return {
    channelPoint: pointOf(single),
    state: "open",
    peer: peerOf(single),
    capacitySat: single.capacitySat,
    localBalanceSat: 50_000,
    inFlightSat: 0,
    isInitiator: single.isInitiator,
    csvDelayBlocks: 144,
    commitment: "anchors",
    leaseExpiryHeight: null,
    maturityHeight: null,
    peerDustLimitSat: 354,
    ...change,
  };
}

/** A store with one backup of `held`, and a node with the channels `live`. A test can change all of it. */
export class DrillWorld {
  readonly memory = new MemoryStore();
  readonly store = new FaultyStore(this.memory);
  readonly held: readonly Single[];
  survey: NodeSurvey;
  clock = hastyClock();

  constructor(held: readonly Single[], live: readonly SurveyedChannel[] = held.map(liveOfOpen)) {
    this.held = held;
    this.survey = {
      channels: live,
      closed: { known: true, value: new Set() },
      peers: { known: true, value: new Map() },
      announced: { known: true, value: new Map() },
    };
  }

  /** Saves `singles` as the current version. */
  async save(singles: readonly Single[] = this.held): Promise<string> {
    const packed = packMulti({ version: 0, staticBackups: singles }, drillKey);
    const swapper = makeSwapper(this.memory);
    const base = await swapper.base();
    const operation = await swapper.begin(base, candidateOf(packed, singles.map(pointOf)));
    return (await swapper.advance(operation)).key;
  }

  /** The node. It decrypts backups that were packed with its key. */
  readonly witness: NodeWitness = {
    openChannelPoints: () => Promise.resolve(this.survey.channels.map((one) => one.channelPoint)),
    channelPointsOf: (packed) => Promise.resolve([...unpacked(packed)].map(pointOf)),
    closedChannelPoints: () => Promise.resolve([]),
    limboChannels: () => Promise.resolve([]),
    survey: () => Promise.resolve(this.survey),
  };

  drill(change: Partial<DrillOptions> = {}) {
    return runDrill({
      store: this.store,
      node: "alice",
      encrypter: drillKey,
      witness: this.witness,
      maxAgeMs: 36 * 3_600_000,
      clock: this.clock,
      random: systemRandom,
      ...change,
    });
  }
}

function liveOfOpen(single: Single): SurveyedChannel {
  return liveOf(single);
}

function unpacked(packed: Uint8Array): readonly Single[] {
  return unpackMulti(packed, drillKey).staticBackups;
}
