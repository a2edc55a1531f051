import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import { singleVersions } from "../../src/chanbackup/single.ts";
import type { DrillOptions } from "../../src/checks/drill/drill.ts";
import type { FindingCode } from "../../src/checks/finding.ts";
import { checkStatus } from "../../src/checks/status.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { type DrillVerdict, readLastDrill } from "../../src/repository/drill-record.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { DrillWorld, liveOf, peerOf, pointOf, singleOf } from "../support/drill-world.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { keysOf } from "../support/mirror-fixture.ts";

const one = singleOf(singleVersions.anchorsZeroFeeHtlcTxCommit);
const two = singleOf(singleVersions.simpleTaproot);
const otherKey = backupKeyEncrypter(Buffer.alloc(32, 1), systemRandom);
const denied = new ScbError("node-denied", "the macaroon does not allow it");
const away = new ScbError("node-unavailable", "nothing listens there");
const untold = { known: false, error: denied } as const;
const dayMs = 24 * 3_600_000;

interface Case {
  readonly name: string;
  /** What is done to a world that would pass. */
  readonly arrange?: (world: DrillWorld) => Promise<void> | void;
  readonly options?: Partial<DrillOptions>;
  readonly verdict: DrillVerdict;
  readonly codes: readonly FindingCode[];
}

const cases: readonly Case[] = [
  { name: "key and node", verdict: "would-restore", codes: [] },
  { name: "key alone", options: { witness: undefined }, verdict: "would-restore", codes: [] },
  { name: "node alone", options: { encrypter: undefined }, verdict: "would-restore", codes: [] },
  {
    name: "neither key nor node",
    options: { encrypter: undefined, witness: undefined },
    verdict: "unknown",
    codes: ["not-opened"],
  },
  {
    name: "nothing saved yet",
    arrange: async ({ memory }) => {
      for (const key of await keysOf(memory)) await memory.delete(key);
    },
    verdict: "would-not-restore",
    codes: ["no-backup"],
  },
  {
    name: "the pointer is gone",
    arrange: ({ memory }) => memory.delete("latest.json"),
    verdict: "would-not-restore",
    codes: ["pointer-lost"],
  },
  {
    name: "the pointer is no JSON",
    arrange: async ({ memory }) => void (await memory.put("latest.json", Buffer.from("{"))),
    verdict: "would-not-restore",
    codes: ["pointer-damaged"],
  },
  {
    name: "the version is gone",
    arrange: async ({ memory }) => memory.delete(await currentKey(memory)),
    verdict: "would-not-restore",
    codes: ["version-missing"],
  },
  {
    name: "one bit of the version is turned",
    arrange: async ({ memory }) => {
      const key = await currentKey(memory);
      const bytes = Uint8Array.from((await memory.get(key))?.bytes ?? []);
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      await memory.put(key, bytes);
    },
    verdict: "would-not-restore",
    codes: ["version-damaged"],
  },
  {
    name: "the version is another whole backup",
    arrange: async ({ memory }) => {
      const packed = packMulti({ version: 0, staticBackups: [one, two] }, otherKey);
      await memory.put(await currentKey(memory), packed);
    },
    verdict: "would-not-restore",
    codes: ["version-damaged"],
  },
  {
    name: "the wrong key, though the node opens it",
    options: { encrypter: otherKey },
    verdict: "would-not-restore",
    codes: ["wrong-key"],
  },
  {
    name: "the node cannot open it, though the key can",
    arrange: (world) => {
      world.witness.channelPointsOf = () => Promise.reject(new ScbError("decrypt", "not mine"));
    },
    verdict: "would-not-restore",
    codes: ["sealed"],
  },
  {
    name: "a channel of the node is not in it",
    arrange: (world) => world.save([one]).then(() => undefined),
    verdict: "would-not-restore",
    codes: ["not-covered"],
  },
  {
    name: "a pending channel of the node is not in it",
    arrange: async (world) => {
      await world.save([one]);
      world.survey = {
        ...world.survey,
        channels: [liveOf(one), liveOf(two, { state: "pending-open" })],
      };
    },
    verdict: "would-not-restore",
    codes: ["not-covered"],
  },
  {
    name: "a channel that the node knows from a restore only is not in it",
    arrange: async (world) => {
      await world.save([one]);
      const channels = [liveOf(one), liveOf(two, { state: "restored" })];
      world.survey = { ...world.survey, channels };
    },
    verdict: "would-not-restore",
    codes: ["not-covered"],
  },
  {
    name: "a channel that is closing",
    arrange: (world) => {
      world.survey = {
        ...world.survey,
        channels: [liveOf(one), liveOf(two, { state: "closing" })],
      };
    },
    verdict: "would-restore",
    codes: [],
  },
  {
    name: "a closing channel that is not in it",
    arrange: async (world) => {
      await world.save([one]);
      const channels = [liveOf(one), liveOf(two, { state: "closing" })];
      world.survey = { ...world.survey, channels };
    },
    verdict: "would-not-restore",
    codes: ["limbo-not-covered"],
  },
  {
    name: "a channel that is closed",
    arrange: (world) => {
      const closed = { known: true, value: new Set([pointOf(two)]) } as const;
      world.survey = { ...world.survey, channels: [liveOf(one)], closed };
    },
    verdict: "would-restore",
    codes: [],
  },
  {
    name: "a channel that the node has never heard of",
    arrange: (world) => {
      world.survey = { ...world.survey, channels: [liveOf(one)] };
    },
    verdict: "unknown",
    codes: ["unknown-channels"],
  },
  {
    name: "a surplus channel, and ClosedChannels is denied",
    arrange: (world) => {
      world.survey = { ...world.survey, channels: [liveOf(one)], closed: untold };
    },
    verdict: "unknown",
    codes: ["not-compared"],
  },
  {
    name: "no surplus, and ClosedChannels, ListPeers and GetNodeInfo are denied",
    arrange: (world) => {
      world.survey = { ...world.survey, closed: untold, peers: untold, announced: untold };
    },
    verdict: "would-restore",
    codes: [],
  },
  {
    name: "ListChannels is denied",
    arrange: (world) => {
      world.witness.survey = () => Promise.reject(denied);
    },
    verdict: "unknown",
    codes: ["node-unread"],
  },
  {
    name: "the node goes away, with a key",
    arrange: (world) => {
      world.witness.survey = () => Promise.reject(away);
      world.witness.channelPointsOf = () => Promise.reject(away);
    },
    verdict: "unknown",
    codes: ["node-unread"],
  },
  {
    name: "the node does not answer at all, with a key",
    options: { witness: undefined, nodeFailure: away },
    verdict: "unknown",
    codes: ["node-unread"],
  },
  {
    name: "the node does not answer at all, without a key",
    options: { witness: undefined, nodeFailure: away, encrypter: undefined },
    verdict: "unknown",
    codes: ["node-unread"],
  },
  {
    name: "a credential that may not read",
    arrange: ({ store }) => store.fail("get", /^latest/, "store-denied"),
    verdict: "would-not-restore",
    codes: ["store-denied"],
  },
  {
    name: "a credential that may read the pointer and nothing else",
    arrange: ({ store }) => store.fail("get", /^versions/, "store-denied"),
    verdict: "would-not-restore",
    codes: ["store-denied"],
  },
  {
    name: "a store that does not answer",
    arrange: ({ store }) => store.fail("get", /./, "store-busy"),
    verdict: "unknown",
    codes: ["store-unread"],
  },
  {
    name: "an old backup, and no node to compare with",
    arrange: (world) => {
      world.clock = hastyClock({ startMs: Date.UTC(2026, 0, 1) + 2 * dayMs });
    },
    options: { witness: undefined },
    verdict: "unknown",
    codes: ["stale"],
  },
  {
    name: "an older pointer that was put back, and no node to compare with",
    arrange: putOldPointerBack,
    options: { witness: undefined },
    verdict: "unknown",
    codes: ["pointer-behind"],
  },
  {
    name: "an older pointer that was put back, whose version holds all that the node has",
    arrange: putOldPointerBack,
    verdict: "would-restore",
    codes: [],
  },
  {
    name: "an old backup that holds all that the node has",
    arrange: (world) => {
      world.clock = hastyClock({ startMs: Date.UTC(2026, 0, 1) + 2 * dayMs });
    },
    verdict: "would-restore",
    codes: [],
  },
];

async function putOldPointerBack(world: DrillWorld): Promise<void> {
  const old = await world.memory.get("latest.json");
  for (let swaps = 0; swaps < 2; swaps += 1) await world.save();
  await world.memory.put("latest.json", old?.bytes ?? new Uint8Array());
}

async function currentKey(memory: DrillWorld["memory"]): Promise<string> {
  const [key] = await keysOf(memory, "versions/");
  assert.ok(key !== undefined);
  return key;
}

describe("runDrill", () => {
  for (const { name, arrange, options, verdict, codes } of cases) {
    it(`${name}: ${verdict}`, async () => {
      const world = new DrillWorld([one, two]);
      await world.save();
      await arrange?.(world);
      const report = await world.drill(options);
      assert.deepEqual(
        report.problems.map(({ code }) => code),
        codes,
      );
      assert.equal(report.verdict, verdict);
      assert.equal(report.ok, verdict === "would-restore");
    });
  }

  it("looks again before it calls a channel missing: it may have opened this moment", async () => {
    const world = new DrillWorld([one, two]);
    await world.save([one]);
    const { clock } = world;
    world.clock = {
      ...clock,
      async sleep(ms, signal) {
        await world.save([one, two]);
        return clock.sleep(ms, signal);
      },
    };
    const report = await world.drill();
    assert.deepEqual(report.problems, []);
    assert.equal(report.version?.sequence, 2);
  });

  it("changes nothing but its own result", async () => {
    const world = new DrillWorld([one, two]);
    await world.save();
    const before = await keysOf(world.memory);
    const report = await world.drill();
    assert.ok(report.recordedAs !== null);
    assert.deepEqual(await keysOf(world.memory), [...before, report.recordedAs].sort());
    const verbs = new Set(world.store.calls.map(({ verb }) => verb));
    assert.ok(!verbs.has("delete"));
    assert.deepEqual(
      world.store.calls.filter(({ verb }) => verb === "put").map(({ key }) => key),
      [report.recordedAs],
    );
  });

  it("says so where the credential may only read, and the verdict stands", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    world.store.fail("put", /^drills\//, "store-denied");
    const report = await world.drill();
    assert.equal(report.ok, true);
    assert.equal(report.recordedAs, null);
    assert.deepEqual(
      report.warnings.map(({ code }) => code),
      ["not-recorded"],
    );
    assert.deepEqual(await keysOf(world.memory, "drills/"), []);
  });

  it("keeps nothing of one that could not look, so that the last one that could stands", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    const { recordedAs } = await world.drill();
    const inVain: Partial<DrillOptions>[] = [
      { encrypter: undefined, witness: undefined },
      { witness: undefined, nodeFailure: away },
    ];
    for (const options of inVain) {
      const report = await world.drill(options);
      assert.equal(report.recordedAs, null);
      assert.match(report.warnings[0]?.message ?? "", /^the result wasn't recorded: it says/);
    }
    assert.deepEqual(await keysOf(world.memory, "drills/"), [recordedAs]);
  });

  it("makes no folder where there is none: the name may be a typing error", async () => {
    const world = new DrillWorld([one]);
    const report = await world.drill();
    assert.equal(report.verdict, "would-not-restore");
    assert.match(report.warnings[0]?.message ?? "", /this node has no folder yet/);
    assert.deepEqual(await keysOf(world.memory), []);
  });

  it("keeps one that could not look at all, and saw that a restore would fail", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    const report = await world.drill({
      encrypter: otherKey,
      witness: undefined,
      nodeFailure: away,
    });
    assert.equal(report.verdict, "would-not-restore");
    assert.deepEqual(await keysOf(world.memory, "drills/"), [report.recordedAs]);
  });

  it("keeps no channel, peer or amount in the store", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    const amount = 7_654_321;
    world.survey = {
      ...world.survey,
      channels: [
        liveOf(one, { localBalanceSat: amount }),
        liveOf(two, { localBalanceSat: amount }),
      ],
    };
    const { recordedAs } = await world.drill();
    const text = Buffer.from((await world.memory.get(recordedAs ?? ""))?.bytes ?? []).toString();
    assert.match(text, /"verdict": "would-not-restore"/);
    assert.match(text, /"missing": 1/);
    for (const single of [one, two]) {
      assert.ok(!text.includes(pointOf(single).slice(0, 64)));
      assert.ok(!text.includes(peerOf(single)));
    }
    assert.ok(!text.includes(String(amount)));
  });

  it("ends with a signal", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    await assert.rejects(world.drill({ signal: AbortSignal.abort() }), { code: "aborted" });
  });
});

describe("the last drill", () => {
  const statusOf = ({ memory, clock }: DrillWorld) =>
    checkStatus({
      store: memory,
      node: "alice",
      clock: hastyClock({ startMs: clock.now() + 60_000 }),
      maxAgeMs: dayMs,
    });

  it("is none at first", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    const status = await statusOf(world);
    assert.equal(status.lastDrill, null);
    assert.equal(status.healthy, true);
  });

  it("is shown with its age, the newest of several", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    await world.drill({ encrypter: otherKey });
    await world.clock.sleep(1_000);
    const { recordedAs, version } = await world.drill();
    const { lastDrill, healthy } = await statusOf(world);
    assert.deepEqual(lastDrill, {
      key: recordedAs,
      at: new Date(world.clock.now()).toISOString(),
      ok: true,
      verdict: "would-restore",
      version: { key: version?.key, sequence: 1 },
      ageSeconds: 60,
    });
    assert.equal(healthy, true);
  });

  for (const [verdict, held, options] of [
    ["would-not-restore", [one], { encrypter: otherKey }],
    ["unknown", [one, two], {}],
  ] as const) {
    it(`makes the status unhealthy where it was ${verdict}`, async () => {
      const world = new DrillWorld(held, [liveOf(one)]);
      await world.save();
      assert.equal((await world.drill(options)).verdict, verdict);
      const { problems, healthy } = await statusOf(world);
      assert.deepEqual(
        problems.map(({ code }) => code),
        ["drill-failed"],
      );
      assert.equal(healthy, false);
    });
  }

  it("stays a good one while the node is away", async () => {
    const world = new DrillWorld([one]);
    await world.save();
    await world.drill();
    await world.drill({ witness: undefined, nodeFailure: away });
    const { healthy, lastDrill } = await statusOf(world);
    assert.equal(healthy, true);
    assert.equal(lastDrill?.verdict, "would-restore");
  });

  for (const [name, bytes] of [
    ["no JSON", "{"],
    ["another schema", '{"schema":2}'],
    ["a lie", '{"schema":1,"at":"2026-01-01T00:00:00Z","ok":true,"verdict":"fine","version":null}'],
  ] as const) {
    it(`isn't known where the newest is ${name}`, async () => {
      const world = new DrillWorld([one]);
      await world.memory.put("drills/01KDVDNA00000000000000000A.json", Buffer.from(bytes));
      await world.memory.put("drills/notes.txt", Buffer.from("not ours"));
      await assert.rejects(readLastDrill(world.memory, Date.now()), { code: "decode" });
    });
  }
});
