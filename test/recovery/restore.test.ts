import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import type { NodeWitness } from "../../src/chanbackup/snapshot.ts";
import { collectFolder } from "../../src/checks/collect.ts";
import { parseMoment } from "../../src/commands/moment.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { makeDemoPeer, openDemoChannel } from "../../src/node/demo-channel.ts";
import { changesSince } from "../../src/recovery/restore/changes-since.ts";
import { handOver } from "../../src/recovery/restore/hand-over.ts";
import { newestIntact } from "../../src/recovery/restore/intact-backup.ts";
import { fetchBackup } from "../../src/repository/fetch-backup.ts";
import { readLastRestore, recordRestore } from "../../src/repository/restore-record.ts";
import { sequenceAt } from "../../src/repository/version-at.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { retryingReads } from "../../src/store/retrying-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  packedBytes,
  swapOnce,
} from "../support/mirror-fixture.ts";

const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(7), systemRandom);
const otherKey = backupKeyEncrypter(new Uint8Array(32).fill(8), systemRandom);
const start = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;

function someSingles(count: number): Single[] {
  return Array.from({ length: count }, () =>
    newSingle(openDemoChannel(makeDemoPeer(systemRandom), 500_000, systemRandom)),
  );
}

function pack(singles: readonly Single[], key = encrypter): Uint8Array {
  return packMulti({ version: 0, staticBackups: singles }, key);
}

/** A store with these versions, an hour apart, the first at `start`; and their keys. */
async function storeWith(contents: readonly Uint8Array[]) {
  const store = new MemoryStore();
  const keys: string[] = [];
  for (const [index, packed] of contents.entries()) {
    const clock = hastyClock({ startMs: start + index * hourMs });
    keys.push((await swapOnce(makeSwapper(store, { clock }), packed)).key);
  }
  return { store, keys };
}

/** Replaces what a version holds, or what it says of itself. */
async function tamper(
  store: ObjectStore,
  key: string,
  change: { bytes?: Uint8Array; metadata?: Readonly<Record<string, string>> },
): Promise<void> {
  const { bytes = new Uint8Array(), metadata = {} } = (await store.get(key)) ?? {};
  await store.put(key, change.bytes ?? bytes, { metadata: change.metadata ?? metadata });
}

describe("the place of a version in the history", () => {
  const threeVersions = () => storeWith([packedBytes(), packedBytes(), packedBytes()]);
  const chainOf = async (store: ObjectStore, which = "latest") =>
    (await fetchBackup({ store, which })).chain;

  it("is right where it and its predecessor say the same", async () => {
    const { store } = await threeVersions();
    for (const which of ["latest", "3", "2", "1"]) assert.equal(await chainOf(store, which), true);
  });

  it("is not known where the predecessor is pruned, cannot be looked at, or metadata is lost", async () => {
    const { store, keys } = await threeVersions();
    await store.delete(keys[1] ?? "");
    assert.equal(await chainOf(store), null);
    const faulty = new FaultyStore(store);
    faulty.fail("head", /^versions\/0+2-/, "store-denied");
    assert.equal(await chainOf(faulty), null);
    await tamper(store, keys[2] ?? "", { metadata: {} });
    assert.equal(await chainOf(store), null);
  });

  it("is wrong where they contradict each other, and stops no restore", async () => {
    const { store, keys } = await threeVersions();
    const metadata = (await store.head(keys[1] ?? ""))?.metadata ?? {};
    const other = { ...metadata, "scb-sha256": "ab".repeat(32) };
    await tamper(store, keys[1] ?? "", { metadata: other });
    assert.equal(await chainOf(store), false);
    const own = (await store.head(keys[2] ?? ""))?.metadata ?? {};
    await tamper(store, keys[2] ?? "", { metadata: { ...own, "scb-sequence": "7" } });
    assert.equal(await chainOf(store), false);
  });

  it("a stop is a stop, also there", async () => {
    const { store } = await threeVersions();
    const faulty = new FaultyStore(store);
    faulty.fail("head", /^versions\//, "aborted");
    await assert.rejects(chainOf(faulty), { code: "aborted" });
  });
});

describe("a version that was written over, and its metadata dropped", () => {
  const cases = [
    ["that the pointer names as current", 3],
    ["that the pointer names as the one before", 2],
    ["that only the version after it names", 1],
  ] as const;
  for (const [name, sequence] of cases) {
    it(`is no backup, where it is one ${name}`, async () => {
      const { store, keys } = await storeWith([packedBytes(), packedBytes(), packedBytes()]);
      const key = keys[sequence - 1] ?? "";
      const intact = (await store.get(key))?.bytes ?? new Uint8Array();
      await tamper(store, key, { bytes: packedBytes(), metadata: {} });
      for (const which of [String(sequence), key]) {
        await assert.rejects(fetchBackup({ store, which }), { code: "version-damaged" });
      }
      await tamper(store, key, { bytes: intact, metadata: {} });
      const { verified } = await fetchBackup({ store, which: String(sequence) });
      assert.equal(verified.hash, true);
    });
  }
});

describe("the newest intact version", () => {
  const sealed = () => pack(someSingles(1), otherKey);
  const good = () => pack(someSingles(1));
  const cases: readonly {
    readonly name: string;
    readonly contents: readonly Uint8Array[];
    readonly harm: (store: ObjectStore, keys: readonly string[]) => Promise<unknown>;
    readonly found: number | null;
    readonly withKey?: boolean;
  }[] = [
    {
      name: "is the one before a newest that is gone",
      contents: [good(), good(), good()],
      harm: (store, keys) => store.delete(keys[2] ?? ""),
      found: 2,
    },
    {
      name: "is further back where that one is damaged too",
      contents: [good(), good(), good()],
      harm: async (store, keys) => {
        await store.delete(keys[2] ?? "");
        await tamper(store, keys[1] ?? "", { bytes: packedBytes() });
      },
      found: 1,
    },
    {
      name: "is found without a pointer",
      contents: [good(), good()],
      harm: (store) => store.delete("latest.json"),
      found: 2,
    },
    {
      name: "is found with a pointer that cannot be read",
      contents: [good(), good()],
      harm: (store) => store.put("latest.json", Buffer.from('{"schema":9}')),
      found: 2,
    },
    {
      name: "is one that opens, where there is a key",
      contents: [good(), good(), sealed(), sealed()],
      harm: () => Promise.resolve(),
      found: 2,
      withKey: true,
    },
    {
      name: "is none where the key opens none of the newest",
      contents: [good(), ...Array.from({ length: 9 }, sealed)],
      harm: () => Promise.resolve(),
      found: null,
      withKey: true,
    },
    {
      name: "is none of which nobody can say that it is whole",
      contents: [good(), good(), good()],
      harm: async (store, keys) => {
        await store.delete(keys[2] ?? "");
        await store.delete(keys[1] ?? "");
        await tamper(store, keys[0] ?? "", { metadata: {} });
      },
      found: null,
    },
    {
      name: "is one whose hash only the version after it says",
      contents: [good(), good(), good()],
      harm: async (store, keys) => {
        await store.delete(keys[2] ?? "");
        await tamper(store, keys[1] ?? "", { bytes: packedBytes() });
        await tamper(store, keys[0] ?? "", { metadata: {} });
      },
      found: 1,
    },
    {
      name: "is none in an empty store",
      contents: [],
      harm: () => Promise.resolve(),
      found: null,
    },
  ];
  for (const { name, contents, harm, found, withKey = false } of cases) {
    it(name, async () => {
      const { store, keys } = await storeWith(contents);
      await harm(store, keys);
      const intact = await newestIntact({ store, encrypter: withKey ? encrypter : undefined });
      assert.equal(intact?.backup.sequence ?? null, found);
    });
  }

  /** A version of the sequence after the current one, whose pointer never moved. */
  const stranded = async (store: ObjectStore) => {
    const swapper = makeSwapper(store);
    const operation = await swapper.begin(await swapper.base(), candidateOf(good()));
    const faulty = new FaultyStore(store);
    faulty.fail("put", /^latest/, "store-denied");
    const cut = makeSwapper(faulty);
    const left = await cut.begin(operation.base, candidateOf(good()));
    await assert.rejects(cut.advance(left), { code: "store-denied" });
    return left;
  };

  it("is one beyond the pointer, if the current one is damaged", async () => {
    const { store, keys } = await storeWith([good(), good(), good()]);
    const { key } = await stranded(store);
    await tamper(store, keys[2] ?? "", { bytes: packedBytes() });
    const found = await newestIntact({ store });
    assert.deepEqual([found?.backup.key, found?.wasCurrent], [key, false]);
    await tamper(store, key, { bytes: packedBytes() });
    assert.equal((await newestIntact({ store }))?.backup.key, keys[1]);
    assert.equal(await newestIntact({ store, after: 3 }), null);
  });

  it("is one that lost the race for the pointer, if nothing else has its sequence", async () => {
    const { store, keys } = await storeWith([good(), good()]);
    const loser = makeSwapper(store);
    const lost = await loser.begin(await loser.base(), candidateOf(good()));
    const third = await swapOnce(makeSwapper(store), good());
    await assert.rejects(loser.advance(lost), { code: "superseded" });
    assert.equal((await newestIntact({ store }))?.backup.key, third.key);
    await store.delete(third.key);
    const found = await newestIntact({ store });
    assert.deepEqual([found?.backup.key, found?.wasCurrent], [lost.key, false]);
    await store.delete(lost.key);
    assert.equal((await newestIntact({ store }))?.backup.key, keys[1]);
  });
});

describe("restore --at", () => {
  const at = (hours: number) => start + hours * hourMs;
  const cases = [
    ["the moment of a version", at(1), 2],
    ["between two", at(1.5), 2],
    ["long after the last", at(100), 3],
  ] as const;
  for (const [name, moment, sequence] of cases) {
    it(`finds ${name}`, async () => {
      const { store } = await storeWith([packedBytes(), packedBytes(), packedBytes()]);
      assert.equal(await sequenceAt(store, moment, {}), sequence);
    });
  }

  it("finds nothing before the first, nor in an empty store", async () => {
    const { store } = await storeWith([packedBytes()]);
    const early = { code: "not-found", message: /oldest backup in .* is from 2026-01-01T00:00/ };
    await assert.rejects(sequenceAt(store, at(-1), {}), early);
    await assert.rejects(sequenceAt(new MemoryStore(), at(1), {}), { code: "not-found" });
  });

  it("never finds an upload that has not become current", async () => {
    const { store } = await storeWith([packedBytes()]);
    const swapper = makeSwapper(store, { clock: hastyClock({ startMs: at(1) }) });
    const faulty = new FaultyStore(store);
    faulty.fail("put", /^latest/, "store-denied");
    const cut = makeSwapper(faulty, { clock: hastyClock({ startMs: at(1) }) });
    await assert.rejects(swapOnce(cut), { code: "store-denied" });
    assert.equal(await sequenceAt(store, at(2), {}), 1);
    await swapOnce(swapper);
  });

  const moments: readonly (readonly [string, number | null])[] = [
    ["2026-01-01T00:00Z", start],
    ["2026-01-01T01:00:30.5+01:00", start + 30_500],
    ["90m", at(24) - 1.5 * hourMs],
    ["400d", at(24) - 400 * 24 * hourMs],
    ["2026-01-01T00:00", null],
    ["2026-01-01", null],
    ["2026-13-01T00:00Z", null],
    ["yesterday", null],
    ["-3h", null],
    ["2027-01-01T00:00Z", null],
  ];
  for (const [text, moment] of moments) {
    it(`${moment === null ? "refuses" : "reads"} ${text}`, () => {
      const parse = () => parseMoment(text)(at(24));
      if (moment === null) assert.throws(parse, { code: "usage", message: /time/ });
      else assert.equal(parse(), moment);
    });
  }
});

describe("the note of a restore", () => {
  const parts = (now: number): { clock: Clock; random: typeof systemRandom } => ({
    clock: hastyClock({ startMs: now }),
    random: systemRandom,
  });
  const note = (sequence: number) =>
    ({ key: "versions/x.backup", sequence, to: "file", by: "a test" }) as const;

  it("the newest is found", async () => {
    const store = new MemoryStore();
    assert.equal(await readLastRestore(store, {}), null);
    await recordRestore(store, note(1), parts(start));
    await recordRestore(store, note(2), parts(start + hourMs));
    await store.put("restores/README.txt", Buffer.from("not ours"));
    assert.deepEqual(await readLastRestore(store, {}), {
      at: "2026-01-01T01:00:00.000Z",
      ...note(2),
    });
  });

  it("one that cannot be read is a restore all the same", async () => {
    const store = new MemoryStore();
    await recordRestore(store, note(1), parts(start));
    const [key = ""] = await keysOf(store, "restores/");
    for (const text of ["{", '{"schema":1}']) {
      await store.put(key, Buffer.from(text));
      const last = await readLastRestore(store, {});
      assert.deepEqual(
        { at: last?.at, key: last?.key },
        { at: "2026-01-01T00:00:00.000Z", key: null },
      );
    }
  });
});

describe("what happened since", () => {
  const folderOf = async (store: ObjectStore, key?: typeof encrypter) =>
    (await collectFolder({ store, node: "n", now: start + 9 * hourMs, encrypter: key })).folder;
  const [a, b, c] = someSingles(3);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const pointOf = ({ fundingOutpoint }: Single) => formatOutPoint(fundingOutpoint);
  const witness: NodeWitness = {
    openChannelPoints: () => Promise.resolve([b, c].map(pointOf)),
    closedChannelPoints: () => Promise.resolve([]),
    limboChannels: () => Promise.resolve([]),
    channelPointsOf: () => Promise.resolve([a, b].map(pointOf)),
  };

  it("is known from the newest version, with a key", async () => {
    const { store } = await storeWith([pack([a, b]), pack([b, c])]);
    const ask = async (which: string, key?: typeof encrypter) => {
      const backup = await fetchBackup({ store, which, encrypter: key });
      return changesSince({ backup, folder: await folderOf(store, key) });
    };
    const since = { stillOpen: null, by: "current" } as const;
    assert.deepEqual(await ask("1", encrypter), {
      newerVersions: 1,
      opened: 1,
      closed: 1,
      ...since,
    });
    assert.deepEqual(await ask("2"), { newerVersions: 0, opened: 0, closed: 0, ...since });
    const unknown = { opened: null, closed: null, stillOpen: null, by: null };
    assert.deepEqual(await ask("1"), { newerVersions: 1, ...unknown });
  });

  it("is known from a running node, whose open channels are counted", async () => {
    const { store } = await storeWith([pack([a, b])]);
    const backup = await fetchBackup({ store, which: "1" });
    assert.deepEqual(await changesSince({ backup, folder: await folderOf(store), witness }), {
      ...{ newerVersions: 0, opened: 1, closed: 1, stillOpen: 1, by: "node" },
    });
  });
});

describe("handing a backup to a node", () => {
  const signal = new AbortController().signal;
  const packed = packedBytes();
  const [second, third] = [packedBytes(), packedBytes()];
  const empty = pack([]);
  const also = [
    { key: "second", packed: second },
    { key: "third", packed: third },
  ];
  const all = new ScbError("decrypt", "authentication failed");
  /** A node with these channels open, to whom each backup holds what `holds` says. */
  const nodeWith = (
    open: readonly string[],
    holds: ReadonlyMap<Uint8Array, readonly string[] | ScbError>,
    broken: readonly Uint8Array[] = [],
  ) => {
    const given: Uint8Array[] = [];
    const known = new Set<string>();
    const pointsOf = (bytes: Uint8Array): readonly string[] => {
      const inside = holds.get(bytes) ?? [];
      if (inside instanceof ScbError) throw inside;
      return inside;
    };
    const witness: NodeWitness = {
      openChannelPoints: () => Promise.resolve(open),
      closedChannelPoints: () => Promise.resolve([]),
      limboChannels: () => Promise.resolve([]),
      channelPointsOf: async (bytes) => pointsOf(bytes),
    };
    const node = {
      description: "lnd at a test",
      restoreBackup: async (bytes: Uint8Array) => {
        if (broken.includes(bytes)) throw new ScbError("node-unavailable", "it went away");
        given.push(bytes);
        const fresh = pointsOf(bytes).filter((point) => !known.has(point));
        for (const point of fresh) known.add(point);
        return fresh.length;
      },
    };
    return {
      given,
      hand: (others: typeof also = [], first = packed) =>
        handOver(node, witness, { packed: first, also: others }, signal),
    };
  };

  it("gives it to a node without these channels", async () => {
    const { given, hand } = nodeWith(["dd:0"], new Map([[packed, ["aa:0", "bb:1"]]]));
    assert.deepEqual(await hand(), { channels: 2, restored: 2, failed: new Map() });
    assert.deepEqual(given, [packed]);
    assert.equal((await hand()).restored, 0);
  });

  it("gives the current one first, then each that it needs besides, and adds them up", async () => {
    const { given, hand } = nodeWith(
      [],
      new Map([
        [packed, ["aa:0", "bb:1"]],
        [second, ["bb:1", "cc:0"]],
        [third, ["dd:0"]],
      ]),
    );
    assert.deepEqual(await hand(also), { channels: 4, restored: 4, failed: new Map() });
    assert.deepEqual(given, [packed, second, third]);
  });

  it("an empty current one is no reason to refuse the others", async () => {
    const { given, hand } = nodeWith([], new Map([[second, ["cc:0"]]]));
    assert.deepEqual(await hand(also.slice(0, 1), empty), {
      ...{ channels: 1, restored: 1, failed: new Map() },
    });
    assert.deepEqual(given, [second]);
  });

  it("one of the others that doesn't open, or fails, keeps none of the rest back", async () => {
    const holds = new Map<Uint8Array, readonly string[] | ScbError>([
      [packed, ["aa:0"]],
      [second, all],
      [third, ["dd:0"]],
    ]);
    const sealed = nodeWith([], holds);
    const first = await sealed.hand(also);
    assert.deepEqual(
      [first.channels, first.restored, [...first.failed.keys()]],
      [2, 2, ["second"]],
    );
    assert.deepEqual(sealed.given, [packed, third]);
    const broken = nodeWith([], holds.set(second, ["cc:0"]), [second]);
    const then = await broken.hand(also);
    assert.deepEqual([then.restored, then.failed.get("second")?.code], [2, "node-unavailable"]);
    assert.deepEqual(broken.given, [packed, third]);
  });

  it("refuses a node that has a channel of one of the others open, and gives nothing", async () => {
    const { given, hand } = nodeWith(
      ["cc:0"],
      new Map([
        [packed, ["aa:0"]],
        [second, ["cc:0"]],
      ]),
    );
    await assert.rejects(hand(also), { code: "refused", message: /1 of the backup's 2 channels/ });
    assert.deepEqual(given, []);
  });

  const refusals = [
    [
      "a node that has one of them open",
      ["bb:1"],
      ["aa:0", "bb:1"],
      "refused",
      /1 of .* 2 channels/,
    ],
    ["a backup without channels", [], [], "refused", /holds no channels/],
    [
      "a node of another seed",
      [],
      new ScbError("decrypt", "authentication failed"),
      "decrypt",
      /from this backup's 24 words/,
    ],
  ] as const;
  for (const [name, open, inBackup, code, message] of refusals) {
    it(`refuses ${name}, and gives nothing`, async () => {
      const { given, hand } = nodeWith(open, new Map([[packed, inBackup]]));
      await assert.rejects(hand(), { code, message });
      assert.deepEqual(given, []);
    });
  }
});

describe("a store that answers one time in three", () => {
  /** Two failures before each answer, of the kinds that say nothing. */
  const moody = (store: ObjectStore): FaultyStore => {
    const faulty = new FaultyStore(store);
    let calls = 0;
    faulty.before = () => {
      calls += 1;
      if (calls % 3 !== 0)
        throw new ScbError(calls % 3 === 1 ? "store-busy" : "store-unknown", "no");
    };
    return faulty;
  };
  const parts = { clock: hastyClock(), random: systemRandom };

  it("gives its backup all the same", async () => {
    const { store } = await storeWith([packedBytes(), packedBytes()]);
    const heard: string[] = [];
    const onRetry = ({ code }: ScbError): void => void heard.push(code);
    const reading = retryingReads(moody(store), { ...parts, onRetry });
    assert.equal((await fetchBackup({ store: reading, which: "latest" })).sequence, 2);
    assert.equal((await fetchBackup({ store: reading, which: "1" })).sequence, 1);
    assert.equal((await newestIntact({ store: reading }))?.backup.sequence, 2);
    assert.ok(heard.includes("store-busy") && heard.includes("store-unknown"));
    const folders: string[] = [];
    for await (const name of reading.listFolders("")) folders.push(name);
    assert.deepEqual(folders, ["versions"]);
  });

  it("lists on after the last key that it gave, and gives none twice", async () => {
    const { store } = await storeWith([packedBytes(), packedBytes(), packedBytes()]);
    const cutOff: ObjectStore = {
      ...retryingReads(store, parts),
      async *list(prefix, options) {
        for await (const object of store.list(prefix, options)) {
          yield object;
          throw new ScbError("store-unknown", "the connection broke");
        }
      },
    };
    const listed = await keysOf(retryingReads(cutOff, parts), "versions/");
    assert.deepEqual(listed, await keysOf(store, "versions/"));
  });

  it("is given up in the end, with what it said", async () => {
    const faulty = new FaultyStore(new MemoryStore());
    faulty.fail("get", /./, "store-busy", { times: 100 });
    const reading = retryingReads(faulty, { ...parts, maxTries: 8 });
    await assert.rejects(fetchBackup({ store: reading, which: "latest" }), { code: "store-busy" });
    assert.equal(faulty.calls.length, 8);
  });
});
