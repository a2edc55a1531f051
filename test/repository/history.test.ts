import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeWitness } from "../../src/chanbackup/snapshot.ts";
import { collectFolder } from "../../src/checks/collect.ts";
import { checkStatus } from "../../src/checks/status.ts";
import { changesSince } from "../../src/recovery/restore/changes-since.ts";
import { fetchBackup } from "../../src/repository/fetch-backup.ts";
import { findVersion } from "../../src/repository/find-version.ts";
import { readHistory } from "../../src/repository/history.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  packedBytes,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";

/** Three commits, and one upload that lost the race for sequence 2. */
async function storeWithOrphan() {
  const store = new MemoryStore();
  const [winner, loser] = [makeSwapper(store), makeSwapper(store)];
  await swapOnce(winner);
  const base = await loser.base();
  const lost = await loser.begin(base, candidateOf(packedBytes()));
  const second = await swapOnce(winner);
  await assert.rejects(loser.advance(lost), { code: "superseded" });
  const third = await swapOnce(winner);
  return { store, lost, second, third };
}

/** The same objects, without what a copy by hand loses. */
async function copiedByHand(from: ObjectStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  for (const key of await keysOf(from)) {
    const object = await from.get(key);
    if (object !== null) await copy.put(key, object.bytes);
  }
  return copy;
}

const entriesOf = async (store: ObjectStore) => (await readHistory(store)).entries;

describe("readHistory", () => {
  it("lists newest first, marks the current one, and tells orphans", async () => {
    const { store, lost, third } = await storeWithOrphan();
    const history = await entriesOf(store);
    assert.deepEqual(
      history.map(({ sequence }) => sequence),
      [3, 2, 2, 1],
    );
    assert.deepEqual(
      history.filter(({ orphan }) => orphan).map(({ key }) => key),
      [lost.key],
    );
    assert.deepEqual(
      history.filter(({ current }) => current).map(({ key }) => key),
      [third.key],
    );
  });

  it("calls nothing an orphan that may have been current", async () => {
    const { store } = await storeWithOrphan();
    const copy = await copiedByHand(store);
    const history = await entriesOf(copy);
    const before = await entriesOf(store);
    assert.deepEqual(
      history.map(({ sha256 }) => sha256),
      before.map(({ sha256 }) => sha256),
    );
    // The pointer still names the one before it, so the sequence 2 that lost is known.
    assert.equal(history.filter(({ orphan }) => orphan).length, 1);
    assert.equal(history.at(-1)?.orphan, false);
  });

  it("is not hindered by a pointer that is gone or damaged, nor by foreign files", async () => {
    const { store } = await storeWithOrphan();
    await store.put("versions/README.txt", Buffer.from("not ours"));
    await store.put("latest.json", Buffer.from("{"));
    assert.equal((await entriesOf(store)).length, 4);
    await store.delete("latest.json");
    const history = await entriesOf(store);
    assert.ok(history.every(({ current, orphan }) => !current && !orphan));
  });

  it("passes over keys whose id holds no time", async () => {
    const { store } = await storeWithOrphan();
    const noId = "Z".repeat(26);
    for (const key of [
      `versions/00000000000000000003-${noId}.backup`,
      `quarantine/${noId}.json`,
      `restores/${noId}.json`,
      `drills/${noId}.json`,
    ]) {
      await store.put(key, Buffer.from("not ours"));
    }
    assert.equal((await entriesOf(store)).length, 4);
    assert.equal((await findVersion(store, "3")).sequence, 3);
    const status = await checkStatus({
      store,
      node: "alice",
      clock: hastyClock(),
      maxAgeMs: 3_600_000,
    });
    assert.deepEqual(status.problems, []);
    assert.equal(status.lastRestore, null);
  });

  it("is empty for an empty store", async () => {
    assert.deepEqual(await entriesOf(new MemoryStore()), []);
  });
});

describe("findVersion", () => {
  it("finds the committed one of two with one sequence", async () => {
    const { store, second } = await storeWithOrphan();
    assert.equal((await findVersion(store, "2")).key, second.key);
  });

  const wrong = [
    ["9", "not-found"],
    ["newest", "usage"],
    ["99999999999999999999999", "usage"],
    ["../latest.json", "usage"],
    ["versions/1.backup", "usage"],
  ] as const;
  for (const [which, code] of wrong) {
    it(`${which} is "${code}"`, async () => {
      const { store } = await storeWithOrphan();
      await assert.rejects(findVersion(store, which), { code });
    });
  }

  it("latest is never guessed where the pointer is gone", async () => {
    const { store } = await storeWithOrphan();
    await store.delete("latest.json");
    await assert.rejects(findVersion(store, "latest"), { code: "pointer-lost" });
  });
});

describe("checkStatus", () => {
  const codesOf = async (
    store: ObjectStore,
    { now = Date.UTC(2026, 0, 1) + 1000, witness }: { now?: number; witness?: NodeWitness } = {},
  ): Promise<string[]> => {
    const clock = hastyClock({ startMs: now });
    const report = await checkStatus({ store, node: "n", clock, maxAgeMs: 3_600_000, witness });
    assert.equal(report.healthy, report.problems.length === 0);
    return report.problems.map(({ code }) => code);
  };
  const points = ["aa:0", "bb:1"];
  /** A node with these channels open, and one backup that holds the two above. */
  const witnessOf = (open: readonly string[], closed: readonly string[] = []): NodeWitness => ({
    openChannelPoints: () => Promise.resolve(open),
    channelPointsOf: () => Promise.resolve(points),
    closedChannelPoints: () => Promise.resolve(closed),
    limboChannels: () => Promise.resolve([]),
  });
  /** A store that knows the time to the second, as S3 does. */
  const healthyStore = async (): Promise<MemoryStore> => {
    const store = new MemoryStore(undefined, {
      now: () => Date.UTC(2026, 0, 1),
      monotonicMs: () => 0,
      sleep: async () => undefined,
    });
    const swapper = makeSwapper(store);
    const operation = await swapper.begin(await swapper.base(), candidateOf(packedBytes(), points));
    await swapper.advance(operation);
    return store;
  };

  it("is healthy when the version is whole, recent, and covers the node", async () => {
    const store = await healthyStore();
    assert.deepEqual(await codesOf(store), []);
    assert.deepEqual(await codesOf(store, { witness: witnessOf(points) }), []);
    // What is closed may still be in it, while its funds are swept.
    assert.deepEqual(await codesOf(store, { witness: witnessOf(["aa:0"], ["bb:1"]) }), []);
    assert.deepEqual(await codesOf(store, { witness: witnessOf(["aa:0"]) }), ["unknown-channels"]);
  });

  it("finds a channel that is not covered", async () => {
    const witness = witnessOf([...points, "cc:2"]);
    assert.deepEqual(await codesOf(await healthyStore(), { witness }), ["not-covered"]);
  });

  it("finds a backup that the node cannot open", async () => {
    const channelPointsOf = () => Promise.reject(new ScbError("decrypt", "authentication failed"));
    const witness = { ...witnessOf(points), channelPointsOf };
    assert.deepEqual(await codesOf(await healthyStore(), { witness }), ["sealed"]);
  });

  it("finds an old one", async () => {
    const now = Date.UTC(2026, 0, 2);
    assert.deepEqual(await codesOf(await healthyStore(), { now }), ["stale"]);
  });

  it("is not fooled by a writer whose clock is ahead", async () => {
    const state: MemoryState = new Map();
    const clockAt = (now: number) => ({
      now: () => now,
      monotonicMs: () => 0,
      sleep: async () => undefined,
    });
    const store = new MemoryStore(state, clockAt(Date.UTC(2026, 0, 1)));
    await swapOnce(makeSwapper(store, { clock: clockAt(Date.UTC(2030, 0, 1)) }));
    assert.deepEqual(await codesOf(store), []);
    assert.deepEqual(await codesOf(store, { now: Date.UTC(2026, 0, 2) }), ["stale"]);
  });

  it("finds a version that is gone, cut off, or changed", async () => {
    const store = await healthyStore();
    const { key } = (await readPointer(store)).version;
    const bytes = (await store.get(key))?.bytes ?? new Uint8Array();
    await store.put(key, bytes.subarray(1));
    assert.deepEqual(await codesOf(store), ["version-damaged"]);
    await store.put(
      key,
      Uint8Array.from(bytes, (byte, at) => (at === 9 ? byte ^ 1 : byte)),
    );
    assert.deepEqual(await codesOf(store), ["version-damaged"]);
    await store.delete(key);
    assert.deepEqual(await codesOf(store), ["version-missing"]);
  });

  it("finds an older pointer that was put back, and no swap that is under way", async () => {
    const store = new MemoryStore();
    await swapOnce(makeSwapper(store));
    const old = await store.get("latest.json");
    for (const problems of [[], ["pointer-behind"]]) {
      await swapOnce(makeSwapper(store));
      const newest = await store.get("latest.json");
      await store.put("latest.json", old?.bytes ?? new Uint8Array());
      const report = await checkStatus({
        store,
        node: "n",
        clock: hastyClock(),
        maxAgeMs: Infinity,
      });
      assert.deepEqual(
        report.problems.map(({ code }) => code),
        problems,
      );
      const backup = await fetchBackup({ store, which: "latest" });
      const { folder } = await collectFolder({ store, node: "n", now: hastyClock().now() });
      const { newerVersions, opened } = await changesSince({ backup, folder });
      assert.deepEqual([newerVersions, opened], [problems.length === 0 ? 1 : 2, null]);
      await store.put("latest.json", newest?.bytes ?? new Uint8Array());
    }
  });

  it("finds a lost or damaged pointer, and an empty store", async () => {
    const store = await healthyStore();
    await store.put("latest.json", Buffer.from("{}"));
    assert.deepEqual(await codesOf(store), ["pointer-damaged"]);
    await store.delete("latest.json");
    assert.deepEqual(await codesOf(store), ["pointer-lost"]);
    assert.deepEqual(await codesOf(new MemoryStore()), ["no-backup"]);
  });

  it("finds what a guard held back since, until something newer is saved", async () => {
    const store = await healthyStore();
    const clock = {
      now: () => Date.UTC(2026, 0, 1) + 500,
      monotonicMs: () => 0,
      sleep: async () => undefined,
    };
    const swapper = makeSwapper(store, { clock });
    await assert.rejects(swapOnce(swapper, packedBytes(45)), { code: "refused" });
    assert.deepEqual(await codesOf(store), ["refused"]);
    await swapOnce(
      makeSwapper(store, { clock: { ...clock, now: () => Date.UTC(2026, 0, 1) + 900 } }),
    );
    assert.deepEqual(await codesOf(store), []);
  });

  it("finds it still where a swap that was begun before it came to its end", async () => {
    const store = await healthyStore();
    let now = Date.UTC(2026, 0, 1) + 500;
    const clock = { now: () => now, monotonicMs: () => 0, sleep: async () => undefined };
    const swapper = makeSwapper(store, { clock });
    const operation = await swapper.begin(await swapper.base(), candidateOf(packedBytes()));
    now += 100;
    await assert.rejects(swapOnce(makeSwapper(store, { clock }), packedBytes(45)), {
      code: "refused",
    });
    now += 100;
    await swapper.advance(operation);
    assert.deepEqual(await codesOf(store), ["refused"]);
  });

  it("knows a folder of --single-writer", async () => {
    const store = new MemoryStore(undefined, {
      now: () => Date.UTC(2026, 0, 1),
      monotonicMs: () => 0,
      sleep: async () => undefined,
    });
    await swapOnce(makeSwapper(store, { singleWriter: true }));
    assert.deepEqual(await codesOf(store), []);
  });
});
