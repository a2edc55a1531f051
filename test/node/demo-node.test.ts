import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { DemoNode } from "../../src/node/demo-node.ts";
import { throwIfAborted } from "../../src/runtime/abort.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import type { Random } from "../../src/runtime/random.ts";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { isPublicKey } from "../../src/wire/public-key.ts";
import { ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";

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

/** The channels after each of the node's first `count` changes. */
async function statesOf(node: DemoNode, count: number): Promise<(readonly Single[])[]> {
  const stop = new AbortController();
  const states: (readonly Single[])[] = [];
  for await (const reason of node.changes(stop.signal)) {
    const { packed, channelPoints, verifiedBy } = await node.snapshot(reason);
    const { staticBackups } = unpackMulti(packed, node.encrypter);
    assert.deepEqual(channelPoints, staticBackups.map(pointOf));
    assert.equal(verifiedBy, "key");
    if (states.push(staticBackups) === count) stop.abort();
  }
  return states;
}

const pointOf = (single: Single): string => formatOutPoint(single.fundingOutpoint);
const isConfirmed = ({ shortChannelId }: Single): boolean => shortChannelId.txIndex !== 0;

describe("DemoNode", () => {
  it("has the first channels at once, confirmed", async () => {
    const node = new DemoNode({ backupKey, clock: systemClock, random: seededRandom("first") });
    const [first = []] = await statesOf(node, 1);
    assert.equal(first.length, 3);
    assert(first.every(isConfirmed));
  });

  it("opens and closes channels that look real, and keeps their number in bounds", async () => {
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("long") });
    const seen = {
      counts: new Set<number>(),
      versions: new Set<number>(),
      addresses: new Set<string>(),
    };
    let pending: string | null = null;
    let before: string[] | null = null;
    for (const state of await statesOf(node, 400)) {
      const points: string[] = state.map(pointOf);
      if (before !== null) {
        const opened = points.filter((point) => before?.includes(point) === false);
        const closed: string[] = before.filter((point) => !points.includes(point));
        assert.equal(opened.length + closed.length, pending === null ? 1 : 0, "one at a time");
      }
      const unconfirmed = state.filter((single) => !isConfirmed(single)).map(pointOf);
      assert(unconfirmed.length <= 1 && unconfirmed[0] !== (pending ?? ""));
      pending = unconfirmed[0] ?? null;
      before = points;
      for (const single of state) {
        seen.versions.add(single.version);
        for (const { kind } of single.addresses) seen.addresses.add(kind);
      }
      seen.counts.add(state.length);
    }
    assert.deepEqual([...seen.versions].sort(), [1, 3, 4, 5, 6, 7]);
    assert.deepEqual([...seen.addresses].sort(), ["tcp4", "tcp6", "torV3"]);
    assert.equal(Math.min(...seen.counts), 3);
    assert.equal(Math.max(...seen.counts), 12);
  });

  it("has Tor addresses that Tor would take", async () => {
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("tor") });
    const addresses = (await statesOf(node, 60)).flat().flatMap((single) => single.addresses);
    const onions = addresses.filter(({ kind }) => kind === "torV3").map(formatNetAddress);
    assert.notEqual(onions.length, 0);
    for (const onion of onions) assert.match(onion, /^[a-z2-7]{55}d\.onion:9735$/);
  });

  it("takes the channels of its last backup for its own", async () => {
    const before = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("before") });
    const staticBackups = (await statesOf(before, 80)).at(-1) ?? [];
    const node = new DemoNode({ backupKey, clock: instantClock, random: seededRandom("after") });
    node.remember({ version: 0, staticBackups });
    const [first = [], second = []] = await statesOf(node, 2);
    assert.deepEqual(first.map(pointOf), staticBackups.map(pointOf));
    assert.equal(Math.abs(second.length - first.length), 1);
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
      const stop = new AbortController();
      const changes = node.changes(stop.signal);
      await changes.next();
      const second = changes.next();
      await settled();
      assert.deepEqual(clock.sleepsMs, [expectedMs]);
      stop.abort();
      assert.deepEqual(await second, { done: true, value: undefined });
      assert.deepEqual(clock.sleepsMs, []);
    }
  });

  it("is the same node for the same key, and another for another", async () => {
    const pubkeyOf = async (key: Uint8Array, seed: string): Promise<string> => {
      const random = seededRandom(seed);
      const node = new DemoNode({ backupKey: key, clock: instantClock, random });
      return (await node.identify()).pubkey ?? "";
    };
    const pubkey = await pubkeyOf(backupKey, "a");
    assert(isPublicKey(Buffer.from(pubkey, "hex")));
    assert.equal(await pubkeyOf(backupKey, "b"), pubkey);
    assert.notEqual(await pubkeyOf(new Uint8Array(32), "a"), pubkey);
  });
});
