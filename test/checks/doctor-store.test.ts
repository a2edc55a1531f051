import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { type DoctorOptions, type DoctorReport, examine } from "../../src/checks/doctor/doctor.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { loadedKey } from "../../src/keychain/loaded-key.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import type { DeleteRights, StoreSurvey } from "../../src/store/store-inspection.ts";
import { wrongStores } from "../conformance/wrong-stores.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { keysOf, makeSwapper, swapOnce } from "../support/mirror-fixture.ts";

function doctor(store: ObjectStore, options: Partial<DoctorOptions> = {}): Promise<DoctorReport> {
  return examine({
    stores: [{ name: "memory:", store }],
    nodeName: "alice",
    lnd: null,
    key: null,
    file: null,
    singleWriter: false,
    maxAgeMs: 3_600_000,
    timeoutMs: 20_000,
    onCheck: () => undefined,
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
    ...options,
  });
}

function save(root: ObjectStore, node: string) {
  return swapOnce(makeSwapper(prefixedStore(root, node), { clock: systemClock }));
}

function find(report: DoctorReport, name: string) {
  const found = report.checks.filter((check) => check.name === name);
  assert.equal(found.length, 1, `${name} in ${JSON.stringify(report.checks)}`);
  const [check] = found;
  assert.ok(check !== undefined);
  assert.equal(check.ok, check.level !== "problem");
  return check;
}

const problems = (report: DoctorReport): string[] =>
  report.checks.filter(({ ok }) => !ok).map(({ name }) => name);

/** A store that tells of itself what it is told to. */
function inspected(survey: Partial<StoreSurvey>, rights: Partial<DeleteRights> = {}): ObjectStore {
  const asked: string[] = [];
  const store = new MemoryStore();
  return Object.assign(store, {
    inspection: {
      rights: { versioning: "ask-versions", objectLock: "ask-lock", deleting: "the right away" },
      survey: () =>
        Promise.resolve<StoreSurvey>({
          clockSkewMs: 0,
          versioning: "on",
          objectLock: { kind: "off" },
          ...survey,
        }),
      mayDelete: async (key: string) => {
        asked.push(key);
        assert.equal(await store.head(key), null, "what is asked for deletion holds nothing");
        return { objects: false, versions: false, leftMarker: false, ...rights };
      },
    },
  });
}

describe("doctor, on a store", () => {
  it("finds nothing wrong with a good one, leaves nothing, and changes no backup", async () => {
    const root = new MemoryStore();
    await save(root, "alice");
    const before = await keysOf(root);
    const names: string[] = [];
    const report = await doctor(root, { nodeName: null, onCheck: (name) => names.push(name) });
    assert.deepEqual(problems(report), []);
    assert.equal(report.ok, true);
    assert.equal(find(report, "backup").level, "good");
    assert.match(find(report, "store-latency").message, /a swap takes .* ms/);
    assert.equal(find(report, "cover").level, "unknown");
    assert.deepEqual(await keysOf(root), before);
    assert.ok(names.length > 8, "progress");
  });

  it("does not call an empty folder safe", async () => {
    const report = await doctor(new MemoryStore(), { nodeName: null });
    assert.equal(find(report, "store-folder").level, "unknown");
    assert.deepEqual(
      [find(report, "backup").level, find(report, "backup").message.includes("no backup")],
      ["warning", true],
    );
  });

  it("asks which of several nodes is meant", async () => {
    const root = new MemoryStore();
    for (const node of ["alice", "bob"]) await save(root, node);
    const report = await doctor(root, { nodeName: null });
    assert.match(find(report, "store-folder").message, /--node \(alice, bob\)/);
    assert.deepEqual(problems(report), ["store-folder"]);
  });

  /** What a swap rests on; the others break promises that cost no backup. */
  const lies = [
    ...["ignores If-Match", "ignores If-None-Match", "ignores both", "creates on If-Match"],
    ...[
      "ignores creates one time in five",
      "knows no conditions (501)",
      "checks creates, then acts",
    ],
    ...["checks replaces, then acts", "claims to have won", "repeats its etag", "changes its etag"],
    "has two etags",
  ];
  const liars = wrongStores.filter(({ name }) => lies.includes(name));
  assert.equal(liars.length, lies.length);
  for (const { name, open } of liars) {
    it(`finds out a store that ${name}, and cleans up`, async () => {
      const state: MemoryState = new Map();
      const report = await doctor(open(state));
      assert.equal(report.ok, false);
      assert.match(find(report, "store-probe").message, /does not keep its promises/);
      assert.deepEqual([...state.keys()], []);
    });
  }

  it("does not try conditional writes where the operator does without", async () => {
    const [liar] = liars;
    assert.ok(liar !== undefined);
    const report = await doctor(liar.open(new Map()), { singleWriter: true });
    assert.equal(find(report, "store-probe").level, "unknown");
    assert.equal(report.ok, true);
  });

  for (const [verb, name] of [
    ["put", "store-put"],
    ["get", "store-get"],
    ["head", "store-head"],
    ["list", "store-list"],
  ] as const) {
    it(`names the permission to ${verb} when it lacks`, async () => {
      const store = new FaultyStore(new MemoryStore());
      store.fail(verb, /^/, "store-denied", { times: Number.POSITIVE_INFINITY });
      const report = await doctor(store);
      assert.ok(problems(report).includes(name), JSON.stringify(report.checks));
      assert.equal(report.ok, false);
    });
  }

  it("looks no further into a store that cannot be reached", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.before = () => {
      throw new ScbError("store-busy", "nothing listens there");
    };
    assert.deepEqual(
      (await doctor(store)).checks.map(({ name }) => name),
      ["store-list"],
    );
  });

  it("names what it may not delete, of this visit", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.fail("delete", /^/, "store-denied", { times: Number.POSITIVE_INFINITY });
    const report = await doctor(store);
    assert.equal(report.ok, true);
    const { message } = find(report, "store-left-behind");
    for (const key of await keysOf(store)) {
      const folder = key.replace(/^alice\/(probe\/[^/]+\/).*/, "$1");
      assert.ok(message.includes(folder), `${key} in ${message}`);
      const bytes = (await store.get(key))?.bytes;
      assert.match(new TextDecoder().decode(bytes), /^scb-mirror .* safe to delete/);
    }
  });

  it("stops when it is told to, and cleans up", async () => {
    for (const at of [1, 3, 5, 30, 60, 90]) {
      const store = new FaultyStore(new MemoryStore());
      const stop = new AbortController();
      store.before = () => {
        if (store.calls.length === at) stop.abort();
      };
      await assert.rejects(doctor(store, { signal: stop.signal }), { code: "aborted" }, `at ${at}`);
      assert.deepEqual(await keysOf(store), [], `at ${at}`);
    }
  });

  it("is done in time with a store that never answers", async () => {
    const store = new FaultyStore(new MemoryStore());
    store.put = (_key, _bytes, options) =>
      new Promise((_, reject) => {
        options?.signal?.addEventListener("abort", () => reject(new ScbError("aborted", "cut")));
      });
    const report = await doctor(store, { timeoutMs: 50 });
    assert.match(find(report, "store-put").message, /didn't finish within 0\.05 s \(--timeout\)/);
    assert.equal(report.ok, false);
  });

  interface Setup {
    readonly name: string;
    readonly survey?: Partial<StoreSurvey>;
    readonly rights?: Partial<DeleteRights>;
    readonly check: string;
    readonly level: string;
    readonly says: RegExp;
  }
  const setups: readonly Setup[] = [
    {
      name: "a right clock",
      survey: { clockSkewMs: -900 },
      check: "store-clock",
      level: "good",
      says: /1 s behind/,
    },
    {
      name: "a clock a minute ahead",
      survey: { clockSkewMs: 60_000 },
      check: "store-clock",
      level: "warning",
      says: /60 s ahead.*NTP/,
    },
    {
      name: "a clock an hour behind",
      survey: { clockSkewMs: -3_600_000 },
      check: "store-clock",
      level: "problem",
      says: /3600 s behind.*NTP/,
    },
    {
      name: "no clock",
      survey: { clockSkewMs: null },
      check: "store-clock",
      level: "unknown",
      says: /doesn't report/,
    },
    { name: "versions", check: "store-versioning", level: "good", says: /keeps versions/ },
    {
      name: "no versions",
      survey: { versioning: "off" },
      check: "store-versioning",
      level: "warning",
      says: /turn versioning on/,
    },
    {
      name: "versions suspended",
      survey: { versioning: "suspended" },
      check: "store-versioning",
      level: "warning",
      says: /turn it on again/,
    },
    {
      name: "versions not told",
      survey: { versioning: "unknown" },
      check: "store-versioning",
      level: "unknown",
      says: /may not ask \(ask-versions\)/,
    },
    {
      name: "a lock",
      survey: { objectLock: { kind: "on", retention: "COMPLIANCE, 30 days" } },
      check: "store-object-lock",
      level: "good",
      says: /COMPLIANCE, 30 days/,
    },
    {
      name: "a lock of nothing",
      survey: { objectLock: { kind: "on", retention: null } },
      check: "store-object-lock",
      level: "warning",
      says: /no default retention/,
    },
    {
      name: "a lock not told",
      survey: { objectLock: { kind: "unknown" } },
      check: "store-object-lock",
      level: "unknown",
      says: /isn't known/,
    },
    { name: "may not delete", check: "store-delete", level: "good", says: /may not delete/ },
    {
      name: "may delete on a plain bucket",
      survey: { versioning: "off" },
      rights: { objects: true },
      check: "store-delete",
      level: "warning",
      says: /permanently/,
    },
    {
      name: "may hide",
      rights: { objects: true },
      check: "store-delete",
      level: "warning",
      says: /hide backups/,
    },
    {
      name: "may delete versions",
      rights: { versions: true },
      check: "store-delete",
      level: "warning",
      says: /permanently/,
    },
    {
      name: "may hide, and leaves a marker",
      rights: { objects: true, leftMarker: true },
      check: "store-delete",
      level: "warning",
      says: /delete marker on versions\/doctor-/,
    },
  ];
  for (const { name, survey = {}, rights = {}, check, level, says } of setups) {
    it(`${check}: ${name} is ${level}`, async () => {
      const found = find(await doctor(inspected(survey, rights)), check);
      assert.equal(found.level, level);
      assert.match(found.message, says);
    });
  }

  it("has the key open the backup that it has read, and reads it once", async () => {
    const root = new MemoryStore();
    const backupKey = new Uint8Array(32).fill(7);
    const store = prefixedStore(root, "alice");
    const packed = packMulti(
      { version: 0, staticBackups: [] },
      backupKeyEncrypter(backupKey, systemRandom),
    );
    await swapOnce(makeSwapper(store, { clock: systemClock, guards: [] }), packed);
    const keyOf = (bytes: Uint8Array) => async () =>
      loadedKey(
        {
          ...{ kind: "backup-key", network: "regtest", identityPubkey: null, warnings: [] },
          backupKey: bytes,
        } as const,
        systemRandom,
      );
    const faulty = new FaultyStore(root);
    const report = await doctor(faulty, { key: keyOf(backupKey) });
    assert.deepEqual(
      [find(report, "key-opens-backup").level, find(report, "key-opens-backup").message],
      ["good", "the key opens the current backup: 0 channels"],
    );
    const reads = faulty.calls.filter(({ verb, key }) => verb === "get" && /versions\/0/.test(key));
    assert.equal(reads.length, 1);
    const wrong = await doctor(root, { key: keyOf(new Uint8Array(32)) });
    assert.deepEqual(problems(wrong), ["key-opens-backup"]);
  });

  it("calls what it couldn't read unknown, and not good", async () => {
    const root = new MemoryStore();
    await save(root, "alice");
    const store = new FaultyStore(root);
    store.fail("get", /versions\/0/, "store-busy", { times: Number.POSITIVE_INFINITY });
    const report = await doctor(store);
    assert.equal(find(report, "backup").level, "unknown");
    assert.match(find(report, "backup").message, /^store-unread: /);
  });

  it("reports a pointer that is lost, and a version that is damaged", async () => {
    for (const [key, damage, says] of [
      ["alice/latest.json", "delete", /pointer-lost/],
      ["alice/versions/", "overwrite", /version-damaged/],
    ] as const) {
      const root = new MemoryStore();
      await save(root, "alice");
      const [hit = ""] = await keysOf(root, key);
      if (damage === "delete") await root.delete(hit);
      else await root.put(hit, new Uint8Array(9));
      const report = await doctor(root);
      assert.deepEqual(problems(report), ["backup"]);
      assert.match(find(report, "backup").message, says);
    }
  });
});
