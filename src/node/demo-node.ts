import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { contentsOfMulti } from "../chanbackup/backup-contents.ts";
import type { Multi } from "../chanbackup/multi.ts";
import { type ChannelWithAddrs, newSingle } from "../chanbackup/new-single.ts";
import { packMulti } from "../chanbackup/packed-multi.ts";
import type { Single } from "../chanbackup/single.ts";
import { SingleView } from "../chanbackup/single-view.ts";
import type {
  NodeIdentity,
  Snapshot,
  SnapshotReason,
  SnapshotSource,
} from "../chanbackup/snapshot.ts";
import { backupKeyEncrypter, type Encrypter } from "../keychain/encrypter.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { formatOutPoint } from "../wire/out-point.ts";
import {
  confirmDemoChannel,
  type DemoPeer,
  makeDemoPeer,
  openDemoChannel,
  pick,
} from "./demo-channel.ts";

/** Which demo node this is, and how busy it is. */
export interface DemoNodeOptions {
  /** Encrypts the node's backups. The same key makes the same node. */
  readonly backupKey: Uint8Array;
  /** How often a channel opens or closes, on average. Default 2 s. */
  readonly intervalMs?: number | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
}

const defaultIntervalMs = 2000;
const peerCount = 8;
/** It has this many channels from the start, and never fewer. */
const fewestChannels = 3;
const mostChannels = 12;

/**
 * A simulated node that opens, closes and packs realistic channels without funds. It has no memory of its
 * own: `remember` gives it the channels of its last backup, so that it continues from there after a
 * restart.
 */
export class DemoNode implements SnapshotSource {
  readonly description = "demo node";
  readonly witness = null;
  readonly encrypter: Encrypter;
  readonly #identity: NodeIdentity;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #peers: readonly DemoPeer[];
  readonly #open = new Map<string, Single>();
  /** The channel whose funding isn't confirmed yet. */
  #pending: ChannelWithAddrs | null = null;

  constructor(options: DemoNodeOptions) {
    const { backupKey, intervalMs = defaultIntervalMs } = options;
    const { clock = systemClock, random = systemRandom } = options;
    this.encrypter = backupKeyEncrypter(backupKey, random);
    this.#identity = { pubkey: demoPubkey(backupKey), network: "regtest" };
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#random = random;
    this.#peers = Array.from({ length: peerCount }, () => makeDemoPeer(random));
  }

  identify(): Promise<NodeIdentity> {
    return Promise.resolve(this.#identity);
  }

  /** Adds the channels of an earlier backup to the node's own. */
  remember({ staticBackups }: Multi): void {
    for (const single of staticBackups) this.#add(single);
  }

  async snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot> {
    throwIfAborted(signal);
    while (this.#open.size < fewestChannels) this.#confirm(this.#openChannel());
    const multi: Multi = { version: 0, staticBackups: [...this.#open.values()] };
    const takenAt = this.#clock.now();
    return {
      ...contentsOfMulti(multi),
      packed: packMulti(multi, this.encrypter),
      limbo: [],
      takenAt,
      reason,
      verifiedBy: "key",
    };
  }

  async *changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void, void> {
    yield "start";
    while (await this.#wait(signal)) {
      if (this.#pending !== null) {
        this.#confirm(this.#pending);
        this.#pending = null;
      } else if (this.#open.size <= fewestChannels || this.#opensNext()) {
        this.#pending = this.#openChannel();
      } else this.#open.delete(pick([...this.#open.keys()], this.#random));
      yield "channel-event";
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for the next event. False if the consumer stopped meanwhile. */
  async #wait(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    try {
      await this.#clock.sleep(this.#intervalMs * (0.5 + this.#random.unit()), signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  #opensNext(): boolean {
    return this.#open.size < mostChannels && this.#random.unit() < 0.5;
  }

  #openChannel(): ChannelWithAddrs {
    const peer = pick(this.#peers, this.#random);
    const channel = openDemoChannel(peer, this.#blockHeight(), this.#random);
    this.#add(newSingle(channel));
    return channel;
  }

  #confirm(channel: ChannelWithAddrs): void {
    this.#add(newSingle(confirmDemoChannel(channel, this.#blockHeight() + 1, this.#random)));
  }

  #add(single: Single): void {
    this.#open.set(formatOutPoint(single.fundingOutpoint), SingleView.of(single));
  }

  /** One block every ten minutes since Bitcoin's first. */
  #blockHeight(): number {
    return Math.floor((this.#clock.now() / 1000 - 1_231_006_505) / 600);
  }
}

/** A distinct public key for each backup key, which reveals nothing of it. */
function demoPubkey(backupKey: Uint8Array): string {
  const seed = createHash("sha384").update("scb-mirror demo node").update(backupKey).digest();
  const secretKey = secp256k1.utils.randomSecretKey(Uint8Array.from(seed));
  return Buffer.from(secp256k1.getPublicKey(secretKey, true)).toString("hex");
}
