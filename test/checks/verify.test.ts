import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { type VerifyOptions, verifyHistory } from "../../src/checks/verify.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { recordPruned } from "../../src/repository/pruned-record.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
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

async function storeOf(commits: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const swapper = makeSwapper(store);
  for (let n = 0; n < commits; n += 1) await swapOnce(swapper);
  return store;
}

// When the fixture's swappers made their versions.
const swappedAt = Date.UTC(2026, 0, 1);

const verify = (store: ObjectStore, options: Partial<VerifyOptions> = {}) =>
  verifyHistory({ store, node: "alice", now: swappedAt, random: systemRandom, ...options });

/** Each problem as "code sequence", or "code key" for what is no version. */
const found = ({ problems }: Awaited<ReturnType<typeof verify>>): string[] =>
  problems.map(({ key, code }) => {
    const sequence = /^versions\/0*(\d+)-/.exec(key)?.[1];
    return `${code} ${sequence ?? key}`;
  });

async function keyOf(store: ObjectStore, sequence: number): Promise<string> {
  const [key = ""] = await keysOf(store, `versions/${String(sequence).padStart(20, "0")}-`);
  return key;
}

/** Puts the version back with other bytes, other metadata, or both. */
async function change(
  store: ObjectStore,
  sequence: number,
  { bytes, metadata }: { bytes?: Uint8Array; metadata?: Record<string, string> },
): Promise<void> {
  const key = await keyOf(store, sequence);
  const stored = await store.get(key);
  await store.put(key, bytes ?? stored?.bytes ?? new Uint8Array(), {
    metadata: { ...stored?.metadata, ...metadata },
  });
}

describe("verify", () => {
  it("finds nothing where nothing is wrong", async () => {
    const report = await verify(await storeOf(6));
    assert.deepEqual(report, {
      ok: true,
      verdict: "safe",
      findings: [],
      also: [],
      checked: 6,
      total: 6,
      openedBy: null,
      problems: [],
      notes: [],
    });
  });

  const cases: readonly [string, readonly string[], (store: MemoryStore) => Promise<unknown>][] = [
    [
      "a version with other bytes",
      ["version-damaged 3"],
      (store) => change(store, 3, { bytes: packedBytes() }),
    ],
    [
      "a version cut short",
      ["version-damaged 2"],
      (store) => change(store, 2, { bytes: new Uint8Array() }),
    ],
    [
      "a current version with other bytes",
      ["version-damaged 6"],
      (store) => change(store, 6, { bytes: packedBytes() }),
    ],
    [
      "a version replaced whole, metadata and all",
      ["version-damaged 3"],
      async (store) => {
        const key = await keyOf(store, 3);
        const other = new MemoryStore();
        const swapper = makeSwapper(other);
        for (let n = 0; n < 3; n += 1) await swapOnce(swapper);
        const stored = await other.get(await keyOf(other, 3));
        const own = (await store.get(key))?.metadata ?? {};
        const metadata = { ...own, "scb-sha256": stored?.metadata["scb-sha256"] ?? "" };
        await store.put(key, stored?.bytes ?? new Uint8Array(), { metadata });
      },
    ],
    ["a version that is gone", ["gap 4"], async (store) => store.delete(await keyOf(store, 3))],
    [
      "several that are gone",
      ["gap 3", "gap 6"],
      async (store) => {
        for (const sequence of [1, 2, 4, 5]) await store.delete(await keyOf(store, sequence));
      },
    ],
    [
      "a current version that is gone",
      ["version-missing 6"],
      async (store) => store.delete(await keyOf(store, 6)),
    ],
    [
      "metadata of another version",
      ["metadata-wrong 3"],
      (store) => change(store, 3, { metadata: { "scb-sequence": "4" } }),
    ],
    [
      "a chain that names another",
      ["chain-broken 4", "version-damaged 2"],
      async (store) =>
        change(store, 4, { metadata: { "scb-previous-key": await keyOf(store, 2) } }),
    ],
    [
      "a pointer that names another before it",
      ["chain-broken latest.json", "version-damaged 4"],
      async (store) => {
        const pointer = await readPointer(store);
        const previous = { key: await keyOf(store, 4), sha256: pointer.version.sha256 };
        await store.put("latest.json", Buffer.from(JSON.stringify({ ...pointer, previous })));
      },
    ],
    ["a lost pointer", ["pointer-lost latest.json"], (store) => store.delete("latest.json")],
    [
      "a damaged pointer",
      ["pointer-damaged latest.json"],
      (store) => store.put("latest.json", Buffer.from("no")),
    ],
    [
      "a damaged record of what was pruned",
      ["record-damaged pruned.json"],
      (store) => store.put("pruned.json", Buffer.from("no")),
    ],
    [
      "an older pointer, put back",
      ["pointer-behind 6"],
      async (store) => {
        const pointer = await readPointer(store);
        const key = await keyOf(store, 4);
        const sha256 = (await store.get(key))?.metadata["scb-sha256"] ?? "";
        const before = await keyOf(store, 3);
        const old = {
          ...pointer,
          sequence: 4,
          version: { key, size: 700, sha256 },
          previous: {
            key: before,
            sha256: (await store.get(before))?.metadata["scb-sha256"] ?? "",
          },
        };
        await store.put("latest.json", Buffer.from(JSON.stringify(old)));
      },
    ],
  ];
  for (const [name, expected, damage] of cases) {
    it(`finds ${name}`, async () => {
      const store = await storeOf(6);
      await damage(store);
      const report = await verify(store);
      assert.deepEqual(found(report).sort(), [...expected].sort());
      assert.equal(report.ok, false);
    });
  }

  it("finds the trace of an older pointer when mirrors have gone on", async () => {
    const store = await storeOf(3);
    const old = await store.get("latest.json");
    const swapper = makeSwapper(store);
    for (let n = 0; n < 2; n += 1) await swapOnce(swapper);
    await store.put("latest.json", old?.bytes ?? new Uint8Array());
    const other = makeSwapper(store);
    for (let n = 0; n < 4; n += 1) await swapOnce(other);
    assert.deepEqual(found(await verify(store)), ["branch 4", "branch 5"]);
  });

  it("does not call an empty store safe", async () => {
    const report = await verify(new MemoryStore());
    assert.equal(report.ok, false);
    assert.deepEqual(found(report), ["no-backup latest.json"]);
  });

  it("takes what was pruned for no gap", async () => {
    const store = await storeOf(9);
    const clock = hastyClock();
    const remove = async (sequences: readonly number[]): Promise<void> => {
      for (const sequence of sequences) await store.delete(await keyOf(store, sequence));
    };
    const facts = { sequences: [1, 2, 4, 5], orphans: [], branches: [] };
    await recordPruned(store, facts, { clock, random: systemRandom, conditional: true });
    await remove([1, 2, 4, 5]);
    assert.equal((await verify(store)).ok, true);
    await remove([6]);
    assert.deepEqual(found(await verify(store)), ["gap 7"]);
  });

  it("tells orphans, a swap under way and foreign objects, and does not mind them", async () => {
    const store = await storeOf(1);
    const loser = makeSwapper(store);
    const lost = await loser.begin(await loser.base(), candidateOf(packedBytes()));
    await swapOnce(makeSwapper(store));
    await assert.rejects(loser.advance(lost));
    const faulty = new FaultyStore(store);
    faulty.fail("put", /latest/, "store-denied", { times: 9 });
    await assert.rejects(swapOnce(makeSwapper(faulty)));
    await store.put("versions/README.txt", Buffer.from("hello"));
    const report = await verify(store);
    assert.equal(report.ok, true);
    assert.deepEqual(report.notes.map(({ code }) => code).sort(), ["foreign", "orphan", "pending"]);
    assert.equal(report.checked, 4);
  });

  it("says of a copy without metadata what it can, and needs a key for the rest", async () => {
    const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(7), systemRandom);
    const original = new MemoryStore();
    const swapper = makeSwapper(original);
    for (let n = 0; n < 4; n += 1) {
      await swapOnce(swapper, packMulti({ version: 0, staticBackups: [] }, encrypter));
    }
    const copy = new MemoryStore();
    for (const key of await keysOf(original)) {
      const object = await original.get(key);
      await copy.put(key, object?.bytes ?? new Uint8Array());
    }
    // The pointer itself still tells the hashes of the last two.
    assert.deepEqual(found(await verify(copy)), ["version-unproven 1", "version-unproven 2"]);
    const opened = await verify(copy, { encrypter });
    assert.equal(opened.ok, true);
    assert.equal(opened.openedBy, "key");
  });

  it("finds what the key does not open", async () => {
    const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(7), systemRandom);
    const store = await storeOf(2);
    const swapper = makeSwapper(store, { guards: [] });
    await swapOnce(swapper, packMulti({ version: 0, staticBackups: [] }, encrypter));
    assert.deepEqual(found(await verify(store, { encrypter })), [
      "undecryptable 1",
      "undecryptable 2",
    ]);
  });

  it("has a running node open them", async () => {
    const store = await storeOf(3);
    const asked: number[] = [];
    const witness = {
      openChannelPoints: () => Promise.resolve([]),
      closedChannelPoints: () => Promise.resolve([]),
      limboChannels: () => Promise.resolve([]),
      channelPointsOf: (packed: Uint8Array) => {
        asked.push(packed.length);
        return asked.length === 2
          ? Promise.reject(new ScbError("decrypt", "message authentication failed"))
          : Promise.resolve([]);
      },
    };
    const report = await verify(store, { witness });
    assert.equal(asked.length, 3);
    assert.equal(report.openedBy, "lnd");
    assert.deepEqual(
      report.problems.map(({ code }) => code),
      ["undecryptable"],
    );
  });

  const parts: readonly [string, Partial<VerifyOptions>, number][] = [
    ["since a sequence", { since: { sequence: 17 } }, 4],
    ["since a time that is not over", { since: { savedAt: Date.now() * 2 } }, 1],
    ["a sample", { sample: 5 }, 5],
    ["a sample of one", { sample: 1 }, 1],
    ["a sample of more than there are", { sample: 500 }, 20],
    ["a sample of the last ones", { since: { sequence: 11 }, sample: 3 }, 3],
  ];
  for (const [name, options, checked] of parts) {
    it(`${name}: reads so many, the current one always`, async () => {
      const store = await storeOf(20);
      const faulty = new FaultyStore(store);
      const report = await verify(faulty, options);
      assert.equal(report.checked, checked);
      assert.equal(report.total, 20);
      assert.equal(report.ok, true);
      const read = faulty.calls.filter(({ verb, key }) => verb === "get" && /versions/.test(key));
      assert.equal(read.length, checked);
      assert.ok(read.some(({ key }) => /0020-/.test(key)));
    });
  }

  it("always reads back what a restore needs besides the current version", async () => {
    const store = await storeOf(20);
    const key = await keyOf(store, 4);
    const pointer = await readPointer(store);
    const sha256 = (await store.get(key))?.metadata["scb-sha256"] ?? "";
    const also = { key, sha256, channelPoints: [`${"a".repeat(64)}:0`] };
    const named = { ...pointer, schema: 2, alsoRestore: [also] };
    await store.put("latest.json", Buffer.from(JSON.stringify(named)));
    const options = { since: { sequence: 20 } };
    const report = await verify(store, options);
    assert.deepEqual([report.ok, report.checked, report.also], [true, 2, [also]]);
    await change(store, 4, { bytes: packedBytes() });
    assert.deepEqual(found(await verify(store, options)), ["also-missing 4"]);
  });

  it("is not confused by mirrors that go on meanwhile", async () => {
    const store = await storeOf(30);
    const faulty = new FaultyStore(store);
    const swapper = makeSwapper(store);
    faulty.before = async ({ verb, key }) => {
      if (verb !== "list" && key !== "latest.json") return;
      for (let n = 0; n < 5; n += 1) await swapOnce(swapper);
    };
    assert.deepEqual(found(await verify(faulty)), []);
  });

  it("stopped, or cut off, it says how far it came and gives no report", async () => {
    const store = await storeOf(100);
    const stop = new AbortController();
    const onProgress = (done: number): void => {
      if (done === 40) stop.abort();
    };
    await assert.rejects(verify(store, { signal: stop.signal, onProgress }), {
      code: "aborted",
      message: /4\d of 100 versions were read back, which says nothing about the others/,
    });
    const faulty = new FaultyStore(store);
    faulty.fail("get", /0050-/, "store-busy", { times: 9 });
    await assert.rejects(verify(faulty), { code: "store-busy", message: /of 100 versions/ });
  });
});
