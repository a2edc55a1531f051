import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type {
  ChannelEvent,
  ChannelNotifier,
  ChannelSubscription,
} from "../chanbackup/channel-notifier.ts";
import type { ChannelWithAddrs } from "../chanbackup/new-single.ts";
import type { NodeIdentity } from "../chanbackup/snapshot.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import { formatOutPoint, parseOutPoint } from "../wire/out-point.ts";
import {
  confirmDemoChannel,
  type DemoPeer,
  makeDemoPeer,
  openDemoChannel,
  pick,
} from "./demo-channel.ts";

export interface DemoNodeOptions {
  /** The key that its backups are encrypted with: the same key is the same node. */
  readonly backupKey: Uint8Array;
  /** How often a channel opens or closes, on average. */
  readonly intervalMs?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const defaultIntervalMs = 2000;
const peerCount = 8;
/** It opens channels until it has so many, at once; and never closes below that. */
const fewestChannels = 3;
const mostChannels = 12;

/**
 * A simulated node: opens and closes channels that look real and hold no funds. It has no memory of
 * its own. The channels that a subscriber knows are its channels, so after a restart it goes on
 * where the backup left off.
 */
export class DemoNode implements ChannelNotifier {
  readonly identity: NodeIdentity;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #peers: readonly DemoPeer[];

  constructor({ backupKey, intervalMs = defaultIntervalMs, clock, random }: DemoNodeOptions) {
    this.identity = { pubkey: demoPubkey(backupKey), network: "regtest" };
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#random = random;
    this.#peers = Array.from({ length: peerCount }, () => makeDemoPeer(random));
  }

  /** The first event comes at once, and opens the first channels where there are too few. */
  async subscribeChans(
    knownChans: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ChannelSubscription> {
    throwIfAborted(signal);
    const cancelled = new AbortController();
    return {
      chanUpdates: this.#live(new Set(knownChans), cancelled.signal),
      cancel: () => cancelled.abort(),
    };
  }

  /** `open` holds the channel points of the channels that it has, and is kept up to date. */
  async *#live(open: Set<string>, signal: AbortSignal): AsyncGenerator<ChannelEvent, void, void> {
    const missing = Math.max(0, fewestChannels - open.size);
    const first = Array.from({ length: missing }, () => this.#confirm(this.#open(open)));
    yield { newChans: first, closedChans: [] };

    let pending: ChannelWithAddrs | null = null;
    while (await this.#wait(signal)) {
      if (pending !== null) {
        yield { newChans: [this.#confirm(pending)], closedChans: [] };
        pending = null;
      } else if (open.size <= fewestChannels || this.#opensNext(open.size)) {
        pending = this.#open(open);
        yield { newChans: [pending], closedChans: [] };
      } else {
        yield { newChans: [], closedChans: [parseOutPoint(this.#close(open))] };
      }
    }
  }

  /** Whether it is still wanted when the time for the next event has come. */
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

  #opensNext(openCount: number): boolean {
    return openCount < mostChannels && this.#random.unit() < 0.5;
  }

  #open(open: Set<string>): ChannelWithAddrs {
    const peer = pick(this.#peers, this.#random);
    const channel = openDemoChannel(peer, this.#blockHeight(), this.#random);
    open.add(formatOutPoint(channel.fundingOutpoint));
    return channel;
  }

  #confirm(channel: ChannelWithAddrs): ChannelWithAddrs {
    return confirmDemoChannel(channel, this.#blockHeight() + 1, this.#random);
  }

  #close(open: Set<string>): string {
    const point = pick([...open], this.#random);
    open.delete(point);
    return point;
  }

  /** A block each ten minutes since Bitcoin's first. */
  #blockHeight(): number {
    return Math.floor((this.#clock.now() / 1000 - 1_231_006_505) / 600);
  }
}

/** A point of its own for each key; it tells nothing of the key. */
function demoPubkey(backupKey: Uint8Array): string {
  const seed = createHash("sha384").update("scb-mirror demo node").update(backupKey).digest();
  const secretKey = secp256k1.utils.randomSecretKey(Uint8Array.from(seed));
  return Buffer.from(secp256k1.getPublicKey(secretKey, true)).toString("hex");
}
