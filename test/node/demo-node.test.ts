import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { ChannelEvent } from "../../src/chanbackup/channel-notifier.ts";
import { deserializeMulti, serializeMulti } from "../../src/chanbackup/multi.ts";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { SubSwapper } from "../../src/chanbackup/sub-swapper.ts";
import type { SubSwapperEvent } from "../../src/chanbackup/sub-swapper-events.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { DemoNode } from "../../src/node/demo-node.ts";
import { throwIfAborted } from "../../src/runtime/abort.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import type { Random } from "../../src/runtime/random.ts";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { isPublicKey } from "../../src/wire/public-key.ts";
import { ManualClock, MemorySwapper, settled } from "../chanbackup/sub-swapper-fakes.ts";

const backupKey = new Uint8Array(32).fill(7);

/** The same in each run, so that what a test sees once it sees always. */
function seededRandom(seed: string): Random {
  let count = 0;
  const bytes = (size: number): Uint8Array => {
    const hash = createHash("shake256", { outputLength: Math.max(size, 1) });
    return Uint8Array.from(hash.update(`${seed} ${count++}`).digest()).subarray(0, size);
  };
  return { bytes, unit: () => Buffer.from(bytes(4)).readUInt32BE() / 2 ** 32 };
}

/** Time in which each sleep is over at once. */
const instantClock: Clock = {
  ...systemClock,
  sleep: async (_ms, signal) => throwIfAborted(signal),
};

async function eventsOf(
  node: DemoNode,
  known: readonly string[],
  count: number,
): Promise<ChannelEvent[]> {
  const subscription = await node.subscribeChans(new Set(known));
  const events: ChannelEvent[] = [];
  for await (const event of subscription.chanUpdates) {
    if (events.push(event) === count) break;
  }
  subscription.cancel();
  return events;
}

const pointOf = (single: Single): string => formatOutPoint(single.fundingOutpoint);

describe("DemoNode", () => {
  it("has the first channels at once, confirmed", async () => {
    const clock = new ManualClock();
    const node = new DemoNode({ backupKey, clock, random: seededRandom("first") });
    const [event] = await eventsOf(node, [], 1);
    assert.equal(event?.newChans.length, 3);
    assert.deepEqual(event.closedChans, []);
    for (const { shortChannelId } of event.newChans) assert.notEqual(shortChannelId.txIndex, 0);
  });

  it("opens and closes channels that look real, and keeps their number in bounds", async () => {
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("long") });
    const open = new Map<string, Single>();
    const seen = {
      counts: new Set<number>(),
      versions: new Set<number>(),
      addresses: new Set<string>(),
    };
    for (const event of await eventsOf(node, [], 400)) {
      for (const channel of event.newChans) {
        const single = newSingle(channel);
        const known = open.get(pointOf(single));
        if (known !== undefined) {
          assert.equal(known.shortChannelId.txIndex, 0, "confirmed twice");
          assert.notEqual(single.shortChannelId.txIndex, 0, "told twice, and still not confirmed");
        }
        open.set(pointOf(single), single);
        seen.versions.add(single.version);
        for (const { kind } of single.addresses) seen.addresses.add(kind);
      }
      for (const closed of event.closedChans) {
        assert(open.delete(formatOutPoint(closed)), "closed what is not open");
      }
      const multi = { version: 0, staticBackups: [...open.values()] } as const;
      const plaintext = serializeMulti(multi);
      assert.deepEqual(serializeMulti(deserializeMulti(plaintext)), plaintext);
      seen.counts.add(open.size);
    }
    assert.deepEqual([...seen.versions].sort(), [1, 3, 4, 5, 6, 7]);
    assert.deepEqual([...seen.addresses].sort(), ["tcp4", "tcp6", "torV3"]);
    assert.equal(Math.min(...seen.counts), 3);
    assert.equal(Math.max(...seen.counts), 12);
  });

  it("has Tor addresses that Tor would take", async () => {
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("tor") });
    const events = await eventsOf(node, [], 60);
    const addresses = events.flatMap(({ newChans }) => newChans.flatMap(({ addrs }) => addrs));
    const onions = addresses.filter(({ kind }) => kind === "torV3").map(formatNetAddress);
    assert.notEqual(onions.length, 0);
    for (const onion of onions) assert.match(onion, /^[a-z2-7]{55}d\.onion:9735$/);
  });

  it("takes the known channels for its own", async () => {
    const known = Array.from({ length: 15 }, (_, at) => `${at.toString(16).repeat(64)}:1`);
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("known") });
    const [first, ...others] = await eventsOf(node, known, 5);
    assert.deepEqual(first, { newChans: [], closedChans: [] });
    for (const { newChans, closedChans } of others.slice(0, 3)) {
      assert.deepEqual(newChans, []);
      assert(known.includes(closedChans.map(formatOutPoint).join()));
    }
  });

  it("waits between events, by the interval on average", async () => {
    const clock = new ManualClock();
    for (const [unit, expectedMs] of [
      [0, 500],
      [0.5, 1000],
      [0.999, 1499],
    ] as const) {
      const random = { ...seededRandom("wait"), unit: () => unit };
      const node = new DemoNode({ backupKey, intervalMs: 1000, clock, random });
      const subscription = await node.subscribeChans(new Set());
      const updates = subscription.chanUpdates[Symbol.asyncIterator]();
      await updates.next();
      const second = updates.next();
      await settled();
      assert.deepEqual(clock.sleepsMs, [expectedMs]);
      subscription.cancel();
      subscription.cancel();
      assert.deepEqual(await second, { done: true, value: undefined });
      assert.deepEqual(clock.sleepsMs, []);
    }
  });

  it("is the same node for the same key, and another for another", () => {
    const pubkeyOf = (key: Uint8Array, seed: string): string => {
      const node = new DemoNode({
        backupKey: key,
        clock: instantClock,
        random: seededRandom(seed),
      });
      return node.identity.pubkey ?? "";
    };
    const pubkey = pubkeyOf(backupKey, "a");
    assert(isPublicKey(Buffer.from(pubkey, "hex")));
    assert.equal(pubkeyOf(backupKey, "b"), pubkey);
    assert.notEqual(pubkeyOf(new Uint8Array(32), "a"), pubkey);
  });

  it("is not subscribed to once the signal has aborted", async () => {
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("abort") });
    await assert.rejects(node.subscribeChans(new Set(), AbortSignal.abort()), { code: "aborted" });
  });

  it("feeds a SubSwapper, and goes on after a restart", async () => {
    const random = seededRandom("swaps");
    const encrypter = backupKeyEncrypter(backupKey, random);
    const swapper = new MemorySwapper(encrypter);
    for (const firstChannels of [3, null]) {
      const before = swapper.points;
      const { promise: enough, resolve } = Promise.withResolvers<void>();
      const channels: number[] = [];
      const observer = (event: SubSwapperEvent): void => {
        if (event.kind !== "swapped") return;
        channels.push(event.channels);
        if (channels.length === 20) resolve();
      };
      const notifier = new DemoNode({ backupKey, intervalMs: 1, clock: systemClock, random });
      const subSwapper = new SubSwapper({
        startingChans: [],
        notifier,
        encrypter,
        swapper,
        refreshIntervalMs: 60_000,
        observer,
        clock: systemClock,
        random,
      });
      await subSwapper.start();
      await enough;
      assert.equal(await subSwapper.stop(new AbortController().signal), true);
      if (firstChannels !== null) assert.deepEqual(channels.slice(0, 2), [0, firstChannels]);
      else assert(Math.abs((channels[0] ?? 0) - before.length) <= 1, "began anew");
    }
  });
});
