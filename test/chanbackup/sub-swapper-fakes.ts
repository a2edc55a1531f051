import assert from "node:assert/strict";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type {
  ChannelEvent,
  ChannelNotifier,
  ChannelSubscription,
} from "../../src/chanbackup/channel-notifier.ts";
import type { Multi } from "../../src/chanbackup/multi.ts";
import { type ChannelWithAddrs, channelTypeBits } from "../../src/chanbackup/new-single.ts";
import { type PackedMulti, packMulti, unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import type { Swapper } from "../../src/chanbackup/swapper.ts";
import type { Encrypter } from "../../src/keychain/encrypter.ts";
import { throwIfAborted } from "../../src/runtime/abort.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { formatOutPoint, type OutPoint } from "../../src/wire/out-point.ts";
import { plainSingle } from "./plain-single.ts";

/** Time that stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (ms <= 0) return new Promise((resolve) => setImmediate(resolve));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { dueMs: this.#nowMs + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    const onAbort = (): void => reject(new ScbError("aborted", "stopped while waiting"));
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** How long each sleeper has still to go, soonest first. */
  get sleepsMs(): number[] {
    return [...this.#sleepers].map(({ dueMs }) => dueMs - this.#nowMs).sort((a, b) => a - b);
  }

  /** Moves on, and lets what wakes up do its work. */
  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    for (const sleeper of this.#sleepers) if (sleeper.dueMs <= this.#nowMs) sleeper.wake();
    await settled();
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** One backup in memory with compare-and-swap, as a store has it. Fails as it is told. */
export class MemorySwapper implements Swapper {
  packed: PackedMulti | null = null;
  extracts = 0;
  attempts = 0;
  /** Called, and awaited, before each step: may throw, wait, or change `packed` behind its back. */
  beforeExtract: (signal: AbortSignal | undefined) => Promise<void> | void = () => undefined;
  beforeSwap: (signal: AbortSignal | undefined) => Promise<void> | void = () => undefined;
  #base: PackedMulti | null = null;
  readonly #encrypter: Encrypter;

  constructor(encrypter: Encrypter, held?: readonly Single[]) {
    this.#encrypter = encrypter;
    if (held !== undefined) this.hold(held);
  }

  hold(singles: readonly Single[]): void {
    this.packed = packMulti({ version: 0, staticBackups: singles }, this.#encrypter);
  }

  async extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    throwIfAborted(signal);
    this.extracts++;
    await this.beforeExtract(signal);
    this.#base = this.packed;
    return this.packed === null ? null : unpackMulti(this.packed, encrypter);
  }

  async updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    this.attempts++;
    await this.beforeSwap(signal);
    if (this.packed !== this.#base) throw new ScbError("superseded", "another writer was first");
    this.packed = newBackup;
  }

  /** The Singles that are saved, in the order of the file. */
  get singles(): readonly Single[] {
    if (this.packed === null) return [];
    return unpackMulti(this.packed, this.#encrypter).staticBackups.map(plainSingle);
  }

  /** The channel points that are saved, in the order of the file. */
  get points(): string[] {
    return this.singles.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint));
  }
}

/** A node that says what it is told to say. */
export class HandNotifier implements ChannelNotifier {
  /** The known channels of each subscription so far. */
  readonly subscriptions: string[][] = [];
  cancelled = 0;
  /** Thrown by the next calls of `subscribeChans`. */
  refusals: ScbError[] = [];
  #current: { next: PromiseWithResolvers<ChannelEvent | null> } | null = null;

  async subscribeChans(known: ReadonlySet<string>): Promise<ChannelSubscription> {
    this.subscriptions.push([...known].sort());
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    const own = { next: Promise.withResolvers<ChannelEvent | null>() };
    this.#current = own;
    async function* updates(): AsyncGenerator<ChannelEvent> {
      for (;;) {
        const event = await own.next.promise;
        if (event === null) return;
        own.next = Promise.withResolvers();
        yield event;
      }
    }
    let isCancelled = false;
    return {
      chanUpdates: updates(),
      cancel: () => {
        if (!isCancelled) this.cancelled++;
        isCancelled = true;
        own.next.resolve(null);
      },
    };
  }

  /** Tells of channels, and waits until everybody has done what they can about it. */
  async tell(
    newChans: readonly ChannelWithAddrs[],
    closedChans: readonly (OutPoint | string)[] = [],
  ): Promise<void> {
    assert(this.#current !== null, "nobody has subscribed");
    this.#current.next.resolve({ newChans, closedChans: closedChans.map(asText) });
    await settled();
  }

  /** Ends the stream, with an error or without. */
  async end(error?: Error): Promise<void> {
    assert(this.#current !== null, "nobody has subscribed");
    if (error === undefined) this.#current.next.resolve(null);
    else this.#current.next.reject(error);
    await settled();
  }
}

const keys = new Map<number, Uint8Array>();

/** Made once: thousands of channels would take longer to make than to save. */
function keyOf(number: number): Uint8Array {
  const known = keys.get(number);
  if (known !== undefined) return known.slice();
  const secretKey = Uint8Array.from({ length: 32 }, (_, at) => (at === 31 ? number : 1));
  const key = secp256k1.getPublicKey(secretKey, true);
  keys.set(number, key);
  return key.slice();
}

const asText = (point: OutPoint | string): string =>
  typeof point === "string" ? point : formatOutPoint(point);

/** A channel that is the same for the same number. Channels sort by their number. */
export function channel(number: number, capacitySat = 1_000_000): ChannelWithAddrs {
  const local = (family: number) => ({ family, index: number });
  return {
    chanType: channelTypeBits.singleFunderTweakless,
    isInitiator: true,
    chainHash: new Uint8Array(32).fill(6),
    fundingOutpoint: { txid: new Uint8Array(32).fill(number), index: 1 },
    shortChannelId: { blockHeight: 100, txIndex: number, txPosition: 1 },
    confirmedScid: null,
    fundingBroadcastHeight: 99,
    identityPub: keyOf(1),
    capacitySat,
    localChanCfg: {
      csvDelay: 144,
      multiSigKey: local(0),
      revocationBasePoint: local(1),
      htlcBasePoint: local(2),
      paymentBasePoint: local(3),
      delayBasePoint: local(4),
    },
    remoteChanCfg: {
      csvDelay: 144,
      multiSigKey: keyOf(2),
      revocationBasePoint: keyOf(3),
      paymentBasePoint: keyOf(4),
      delayBasePoint: keyOf(5),
      htlcBasePoint: keyOf(6),
    },
    thawHeight: 0,
    revocationKeyLocator: local(5),
    revocationProducer: null,
    localCommitment: { commitTx: null, commitSig: new Uint8Array(), commitHeight: 0n },
    tapscriptRoot: null,
    addrs: [{ kind: "tcp4", host: Uint8Array.of(10, 0, 0, number), port: 9735 }],
  };
}
