import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { checkStatus } from "../../src/checks/status.ts";
import { verifyHistory } from "../../src/checks/verify.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { applyRepair } from "../../src/recovery/repair.ts";
import { planRepair, type RepairOptions, type RepairPlan } from "../../src/recovery/repair-plan.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { swapNaming } from "../support/also-restore.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  packedBytes,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 0, 1);

async function storeOf(commits: number): Promise<MemoryStore> {
  const store = new MemoryStore(undefined, hastyClock({ startMs }));
  const swapper = makeSwapper(store);
  for (let n = 0; n < commits; n += 1) await swapOnce(swapper);
  return store;
}

/** Uploads a version for the next sequence, and never moves the pointer. */
async function upload(store: ObjectStore): Promise<string> {
  const faulty = new FaultyStore(store);
  faulty.fail("put", /latest/, "store-denied");
  const swapper = makeSwapper(faulty);
  const operation = await swapper.begin(await swapper.base(), candidateOf(packedBytes()));
  await assert.rejects(swapper.advance(operation), { code: "store-denied" });
  return operation.key;
}

async function keyOf(store: ObjectStore, sequence: number): Promise<string> {
  const [key = ""] = await keysOf(store, `versions/${String(sequence).padStart(20, "0")}-`);
  return key;
}

async function damage(store: ObjectStore, key: string): Promise<void> {
  const metadata = (await store.get(key))?.metadata;
  await store.put(key, packedBytes(), { metadata });
}

const plan = (store: ObjectStore, options: Partial<RepairOptions> = {}): Promise<RepairPlan> =>
  planRepair({ store, ...options });

async function apply(store: ObjectStore, found: RepairPlan, node = "alice") {
  assert.ok(found.target !== null);
  const shared = { clock: hastyClock({ startMs: startMs + 99 * hourMs }), random: systemRandom };
  return applyRepair(found, found.target, { store, node, writer: "a test", ...shared });
}

describe("repair", () => {
  const cases: readonly [
    string,
    RepairPlan["state"],
    /** The sequence that the pointer must name. */
    number,
    (store: MemoryStore) => Promise<unknown>,
  ][] = [
    ["a lost pointer", "lost", 5, (store) => store.delete("latest.json")],
    ["a damaged one", "damaged", 5, (store) => store.put("latest.json", Buffer.from("{"))],
    ["an empty one", "damaged", 5, (store) => store.put("latest.json", new Uint8Array())],
    [
      "one that names what is not there",
      "target-missing",
      4,
      async (store) => store.delete(await keyOf(store, 5)),
    ],
    [
      "one that names damaged bytes",
      "target-damaged",
      4,
      async (store) => damage(store, await keyOf(store, 5)),
    ],
    [
      "one whose version was written over, and its metadata dropped",
      "target-damaged",
      4,
      async (store) => store.put(await keyOf(store, 5), packedBytes()),
    ],
    [
      "a lost one, and the newest version cut short, without metadata",
      "lost",
      4,
      async (store) => {
        await store.delete("latest.json");
        await store.put(await keyOf(store, 5), packedBytes(44));
      },
    ],
    [
      "a lost one, and the newest versions damaged",
      "lost",
      3,
      async (store) => {
        await store.delete("latest.json");
        for (const sequence of [4, 5]) await damage(store, await keyOf(store, sequence));
      },
    ],
    [
      "a lost one, with a newer version that was uploaded and never named",
      "lost",
      6,
      async (store) => {
        await upload(store);
        await store.delete("latest.json");
      },
    ],
    [
      "one that names damaged bytes, with a newer version",
      "target-damaged",
      6,
      async (store) => {
        await upload(store);
        await damage(store, await keyOf(store, 5));
      },
    ],
    [
      "one of an older day, put back",
      "behind",
      9,
      async (store) => {
        const old = await store.get("latest.json");
        const swapper = makeSwapper(store);
        for (let n = 0; n < 4; n += 1) await swapOnce(swapper);
        await store.put("latest.json", old?.bytes ?? new Uint8Array());
      },
    ],
  ];
  for (const [name, state, sequence, break_] of cases) {
    it(`mends ${name}`, async () => {
      const store = await storeOf(5);
      await break_(store);
      const before = await keysOf(store);
      const found = await plan(store);
      assert.equal(found.state, state);
      assert.equal(found.target?.sequence, sequence);
      assert.deepEqual(await keysOf(store), before, "a plan changes nothing");
      const pointer = await apply(store, found);
      assert.deepEqual(await readPointer(store), pointer);
      assert.equal(pointer.version.key, await keyOf(store, sequence));
      assert.equal(pointer.previous?.key, await keyOf(store, sequence - 1));
      assert.equal((await plan(store)).state, "ok");
      const commit = await swapOnce(makeSwapper(store));
      assert.equal(commit.sequence, sequence + 1);
      assert.equal((await readPointer(store)).previous?.key, pointer.version.key);
    });
  }

  it("leaves a history behind in which verify finds nothing", async () => {
    const store = await storeOf(5);
    await store.delete("latest.json");
    await apply(store, await plan(store));
    const options = { store, node: "alice", now: Date.now(), random: systemRandom };
    assert.deepEqual((await verifyHistory(options)).problems, []);
  });

  it("does not make an old backup look fresh", async () => {
    const store = await storeOf(5);
    await store.delete("latest.json");
    const { committedAt } = await apply(store, await plan(store));
    assert.equal(Date.parse(committedAt), startMs);
    const clock = hastyClock({ startMs: startMs + 100 * hourMs });
    const report = await checkStatus({ store, node: "alice", clock, maxAgeMs: 36 * hourMs });
    assert.deepEqual(
      report.problems.map(({ code }) => code),
      ["stale"],
    );
  });

  it("keeps what is known of the node", async () => {
    const store = await storeOf(2);
    await damage(store, await keyOf(store, 2));
    const kept = await apply(store, await plan(store));
    assert.deepEqual(kept.node, { pubkey: null, network: "regtest" });
    await store.delete("latest.json");
    const pubkey = `02${"ab".repeat(32)}`;
    const named = await apply(store, await plan(store), pubkey);
    assert.deepEqual(named.node, { pubkey, network: null });
  });

  describe("what a restore needs besides", () => {
    const channelPoint = `${"ab".repeat(32)}:1`;
    /** Five versions: from the fourth on the pointer names the first one. */
    async function limboStore() {
      const store = await storeOf(3);
      const key = await keyOf(store, 1);
      const sha256 = sha256Hex((await store.get(key))?.bytes ?? new Uint8Array());
      const also = [{ key, sha256, channelPoints: [channelPoint] }];
      const swapper = makeSwapper(store);
      for (let n = 0; n < 2; n += 1) await swapNaming(swapper, also);
      return { store, key, sha256, also, swapper };
    }
    const mended = async (store: ObjectStore) => {
      const { alsoRestore } = await apply(store, await plan(store));
      assert.deepEqual((await readPointer(store)).alsoRestore, alsoRestore, "it reads back");
      assert.equal((await plan(store)).state, "ok");
      return alsoRestore;
    };

    it("is taken from the version, if the pointer is lost, with its hash read anew", async () => {
      const { store, key, sha256 } = await limboStore();
      await store.delete("latest.json");
      assert.deepEqual(await mended(store), [{ key, sha256, channelPoints: [] }]);
      const { schema } = await readPointer(store);
      assert.equal(schema, 2);
    });

    it("is named also if it is gone or damaged: nothing is dropped without a word", async () => {
      for (const harm of [damage, (store: ObjectStore, key: string) => store.delete(key)]) {
        const { store, key } = await limboStore();
        await harm(store, key);
        await store.delete("latest.json");
        assert.deepEqual(await mended(store), [{ key, sha256: null, channelPoints: [] }]);
      }
    });

    it("is what the pointer says, if what it names is damaged", async () => {
      const { store, also } = await limboStore();
      await damage(store, await keyOf(store, 5));
      assert.deepEqual(await mended(store), also);
    });

    it("is what a damaged newer version says, too", async () => {
      const { store, key, swapper } = await limboStore();
      const second = await keyOf(store, 2);
      await swapNaming(swapper, [{ key: second, sha256: null, channelPoints: [] }]);
      await damage(store, await keyOf(store, 6));
      await store.delete("latest.json");
      const names = (await mended(store))?.map((also) => also.key);
      assert.deepEqual(names, [key, second]);
    });

    it("is not the version itself that the pointer comes to name", async () => {
      const { store, key } = await limboStore();
      await store.delete("latest.json");
      const pointer = await apply(store, await plan(store, { toVersion: key }));
      assert.deepEqual([pointer.schema, pointer.alsoRestore], [1, undefined]);
    });
  });

  describe("running mirrors", () => {
    it("find their commit in it, if its version is in the lineage", async () => {
      const store = await storeOf(70);
      const faulty = new FaultyStore(store);
      const swapper = makeSwapper(faulty);
      const operation = await swapper.begin(await swapper.base(), candidateOf(packedBytes()));
      faulty.fail("put", /latest/, "store-unknown", { when: "after" });
      faulty.fail("get", /latest/, "store-unknown");
      await assert.rejects(swapper.advance(operation), { code: "store-unknown" });
      await swapOnce(makeSwapper(store));
      await store.delete("latest.json");
      const pointer = await apply(store, await plan(store));
      assert.equal(pointer.sequence, 72);
      assert.equal(pointer.recentOperations.length, 64);
      assert.equal((await swapper.advance(operation)).key, operation.key);
    });

    it("take a new snapshot, if it is not", async () => {
      const store = await storeOf(3);
      const [one, two] = [makeSwapper(store), makeSwapper(store)];
      const loser = await one.begin(await one.base(), candidateOf(packedBytes()));
      const faulty = new FaultyStore(store);
      faulty.fail("put", /latest/, "store-unknown");
      const failing = makeSwapper(faulty);
      await assert.rejects(failing.advance(loser));
      await swapOnce(two);
      await swapOnce(two);
      await store.delete("latest.json");
      await apply(store, await plan(store));
      await assert.rejects(one.advance(loser), { code: "superseded" });
    });
  });

  describe("never guesses", () => {
    it("between two of the newest sequence", async () => {
      const store = await storeOf(3);
      const keys = [await upload(store), await upload(store)];
      await store.delete("latest.json");
      const found = await plan(store);
      assert.equal(found.target, null);
      assert.deepEqual(found.candidates.map(({ key }) => key).sort(), keys.sort());
      const [, chosen = ""] = keys;
      const pointer = await apply(store, await plan(store, { toVersion: chosen }));
      assert.equal(pointer.version.key, chosen);
    });

    it("between what mirrors wrote before and after an old pointer was put back", async () => {
      const store = await storeOf(3);
      const old = await store.get("latest.json");
      const swapper = makeSwapper(store);
      for (let n = 0; n < 5; n += 1) await swapOnce(swapper);
      const before = (await readPointer(store)).version.key;
      await store.put("latest.json", old?.bytes ?? new Uint8Array());
      for (let n = 0; n < 2; n += 1) await swapOnce(makeSwapper(store));
      const after = (await readPointer(store)).version.key;
      const behind = await plan(store);
      assert.equal(behind.state, "behind");
      assert.equal(behind.target, null);
      assert.deepEqual([...new Set(behind.candidates.map(({ key }) => key))], [before, after]);
      await store.delete("latest.json");
      const lost = await plan(store);
      assert.equal(lost.target, null);
      assert.deepEqual(
        lost.candidates.map(({ key }) => key),
        [before, after],
      );
    });

    it("whether bytes are whole of which nothing says what they were", async () => {
      const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(7), systemRandom);
      const store = new MemoryStore();
      for (const sequence of [1, 2]) {
        const key = `versions/${String(sequence).padStart(20, "0")}-01KDVDNA009QK22KWKFQJ693BM.backup`;
        await store.put(key, packMulti({ version: 0, staticBackups: [] }, encrypter));
      }
      assert.equal((await plan(store)).target, null);
      assert.equal((await plan(store)).candidates.length, 1);
      const opened = await plan(store, { encrypter });
      assert.equal(opened.target?.sequence, 2);
      assert.equal((await apply(store, opened)).verifiedBy, "key");
    });
  });

  it("takes the pointer's word where a version has lost its metadata", async () => {
    const store = await storeOf(5);
    await store.delete(await keyOf(store, 5));
    const key = await keyOf(store, 4);
    await store.put(key, (await store.get(key))?.bytes ?? new Uint8Array());
    assert.equal((await plan(store)).target?.key, key);
  });

  it("takes no older version where what was saved does not open", async () => {
    const [ours, another] = [7, 8].map((fill) =>
      backupKeyEncrypter(new Uint8Array(32).fill(fill), systemRandom),
    );
    const store = new MemoryStore();
    for (const encrypter of [ours, another]) {
      assert.ok(encrypter !== undefined);
      await swapOnce(makeSwapper(store), packMulti({ version: 0, staticBackups: [] }, encrypter));
    }
    await store.delete("latest.json");
    await assert.rejects(plan(store, { encrypter: ours }), {
      code: "decrypt",
      message: /0002-.*bytes that were saved, but your key doesn't open it.*--key-file/,
    });
    assert.equal((await plan(store, { encrypter: another })).target?.sequence, 2);
    assert.equal((await plan(store)).target?.sequence, 2);
  });

  it("knows which of two was committed, where something newer says so", async () => {
    const store = await storeOf(2);
    await upload(store);
    const swapper = makeSwapper(store);
    const third = await swapOnce(swapper);
    const fourth = await swapOnce(swapper);
    await damage(store, fourth.key);
    assert.equal((await plan(store)).target?.key, third.key);
    await store.delete("latest.json");
    assert.equal((await plan(store)).target?.key, third.key);
  });

  it("has nothing to do where nothing is wrong", async () => {
    const healthy = await storeOf(3);
    await upload(healthy);
    assert.equal((await plan(healthy)).state, "ok");
    assert.equal((await plan(new MemoryStore())).state, "ok");
    const first = new MemoryStore();
    await upload(first);
    assert.equal((await plan(first)).state, "ok");
    const single = new MemoryStore();
    await swapOnce(makeSwapper(single, { singleWriter: true }));
    assert.equal((await plan(single)).state, "ok");
  });

  it("has nothing to offer where no version is whole", async () => {
    const store = await storeOf(2);
    for (const sequence of [1, 2]) await damage(store, await keyOf(store, sequence));
    const found = await plan(store);
    assert.equal(found.target, null);
    assert.deepEqual(found.candidates, []);
    assert.equal(found.damaged.length, 2);
  });

  const refused: readonly [string, RegExp, (store: MemoryStore) => Promise<string | undefined>][] =
    [
      [
        "a pointer of a newer program",
        /schema 3/,
        async (store) => {
          await store.put("latest.json", Buffer.from('{ "schema": 3 }'));
          return undefined;
        },
      ],
      ["to move a pointer that is right", /stays/, (store) => keyOf(store, 1)],
      [
        "a version that is not there",
        /doesn't exist/,
        async (store) => {
          await store.delete("latest.json");
          return "versions/1.backup";
        },
      ],
      [
        "a version that the pointer says was other bytes",
        /is not intact/,
        async (store) => {
          await store.put(await keyOf(store, 3), packedBytes());
          return keyOf(store, 3);
        },
      ],
      [
        "a version that is damaged",
        /is not intact/,
        async (store) => {
          await store.delete("latest.json");
          await damage(store, await keyOf(store, 2));
          return keyOf(store, 2);
        },
      ],
    ];
  for (const [name, message, prepare] of refused) {
    it(`refuses ${name}`, async () => {
      const store = await storeOf(3);
      const toVersion = await prepare(store);
      await assert.rejects(plan(store, { toVersion }), { code: "refused", message });
    });
  }

  it("writes nothing where somebody was first", async () => {
    for (const state of ["lost", "damaged", "target-damaged"] as const) {
      const store = await storeOf(3);
      const good = await store.get("latest.json");
      if (state === "lost") await store.delete("latest.json");
      else if (state === "damaged") await store.put("latest.json", Buffer.from("{"));
      else await damage(store, await keyOf(store, 3));
      const found = await plan(store);
      assert.equal(found.state, state);
      await store.put("latest.json", Buffer.from(`${Buffer.from(good?.bytes ?? [])} `));
      await assert.rejects(apply(store, found), { code: "superseded" });
    }
  });

  it("says what to do if the store takes the deleted pointer for one that exists", async () => {
    const store = await storeOf(3);
    await store.delete("latest.json");
    const faulty = new FaultyStore(store);
    faulty.fail("put", /latest/, "store-precondition");
    await assert.rejects(apply(faulty, await plan(faulty)), {
      code: "store-rejected",
      message: /nothing is there.*Remove the delete marker of latest\.json/,
    });
  });

  it("finds its own pointer when the answer was lost", async () => {
    const store = await storeOf(3);
    await store.delete("latest.json");
    const faulty = new FaultyStore(store);
    faulty.fail("put", /latest/, "store-unknown", { when: "after" });
    const pointer = await apply(faulty, await plan(faulty));
    assert.deepEqual(await readPointer(store), pointer);
    await store.delete("latest.json");
    faulty.fail("put", /latest/, "store-unknown");
    await assert.rejects(apply(faulty, await plan(faulty)), { code: "store-unknown" });
    assert.equal(await store.get("latest.json"), null);
  });
});
