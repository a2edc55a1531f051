import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { applyPrune, preparePrune } from "../../src/recovery/prune/prune.ts";
import { readPrunedRecord, recordPruned, wasPruned } from "../../src/repository/pruned-record.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
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
import { dayMs, optionsFor, prune, sequencesIn, withCommits, world } from "./prune-world.ts";

describe("prune", () => {
  it("removes what mirrors that are long gone have said, and never the newest", async () => {
    const { store, pass } = await withCommits(2);
    const say = async (id: string): Promise<string> => {
      const key = `mirrors/${id}.json`;
      await store.put(key, Buffer.from("{}"));
      return key;
    };
    await say("01KXWNJS600ABCDEFGHJKMNPQR");
    pass(8 * dayMs);
    const recent = await say("01KXWNJS600ABCDEFGHJKMNPQS");
    pass(6 * dayMs);
    const newest = await say("01KXWNJS600ABCDEFGHJKMNPQT");
    const foreign = "mirrors/notes.txt";
    await store.put(foreign, Buffer.from("not ours"));
    pass(400 * dayMs);
    await prune(optionsFor(store, { policy: { keepLast: 9 } }));
    assert.deepEqual(await keysOf(store, "mirrors/"), [recent, newest, foreign]);
  });

  it("of mirrors that is denied fails nothing", async () => {
    const { store, pass } = await withCommits(3);
    await store.put("mirrors/01KXWNJS600ABCDEFGHJKMNPQR.json", Buffer.from("{}"));
    pass(8 * dayMs);
    await store.put("mirrors/01KXWNJS600ABCDEFGHJKMNPQS.json", Buffer.from("{}"));
    const faulty = new FaultyStore(store);
    faulty.fail("delete", /^mirrors/, "store-denied", { times: 1 });
    const options = optionsFor(faulty, { policy: { keepLast: 2 } });
    const { removed, failed, mirrors } = await applyPrune(options, await preparePrune(options));
    assert.deepEqual([removed.size, failed.size], [1, 0]);
    assert.deepEqual([mirrors.removed.size, mirrors.failed.size], [0, 1]);
  });

  it("changes nothing while it plans", async () => {
    const { store } = await withCommits(5);
    const before = await keysOf(store);
    const { plan } = await preparePrune(optionsFor(store, { policy: { keepLast: 2 } }));
    assert.deepEqual(
      plan.remove.map(({ version }) => version.sequence),
      [3, 2, 1],
    );
    assert.deepEqual(
      plan.keep.map(({ version, reasons }) => [version.sequence, reasons]),
      [
        [5, ["current", "last"]],
        [4, ["previous", "last"]],
      ],
    );
    assert.deepEqual(await keysOf(store), before);
  });

  it("keeps by policy, and is done after one time", async () => {
    const { store } = await withCommits(20);
    const options = optionsFor(store, { policy: { keepLast: 3, keepWeekly: 2 } });
    await prune(options);
    // 2026-01-20 is a Tuesday: the second week's newest is Sunday the 18th, kept as the third last.
    assert.deepEqual(await sequencesIn(store), [18, 19, 20]);
    const again = await prune(options);
    assert.deepEqual(again.plan.remove, []);
  });

  it("always keeps what the pointer names", async () => {
    const { store } = await withCommits(4);
    await prune(optionsFor(store, { policy: { keepLast: 1 } }));
    const { version, previous } = await readPointer(store);
    assert.deepEqual(await keysOf(store, "versions/"), [previous?.key, version.key]);
  });

  it("records what it removes before it does", async () => {
    const { store } = await withCommits(6);
    const faulty = new FaultyStore(store);
    faulty.fail("delete", /versions/, "store-unknown", { times: 99 });
    await assert.rejects(prune(optionsFor(faulty, { policy: { keepLast: 2 } })), {
      code: "store-unknown",
      message: /0 of 4 versions were removed/,
    });
    const record = await readPrunedRecord(store);
    assert.ok(wasPruned(record, 1, 4));
    assert.ok(!wasPruned(record, 4, 5));
    await prune(optionsFor(store, { policy: { keepLast: 2 } }));
    assert.deepEqual(await sequencesIn(store), [5, 6]);
  });

  it("removes orphans when the grace is over, and not before", async () => {
    const made = world();
    await swapOnce(made.swapper());
    const orphan = await made.orphan();
    made.pass(6 * dayMs);
    await swapOnce(made.swapper());
    const options = optionsFor(made.store, { policy: { keepLast: 99 } });
    const { plan } = await prune(options);
    assert.deepEqual(plan.keep.find(({ version }) => version.key === orphan)?.reasons, ["young"]);
    made.pass(2 * dayMs);
    await swapOnce(made.swapper());
    const later = await prune(options);
    assert.deepEqual(
      later.plan.remove.map(({ version, orphan: isOrphan }) => [version.key, isOrphan]),
      [[orphan, true]],
    );
    assert.deepEqual(await sequencesIn(made.store), [1, 2, 3, 4]);
    assert.equal(await readPrunedRecord(made.store), null, "an orphan is no loss to be explained");
  });

  it("still knows an orphan when what stood beside it is gone", async () => {
    const made = world();
    await swapOnce(made.swapper());
    const orphan = await made.orphan();
    for (let n = 0; n < 4; n += 1) await swapOnce(made.swapper());
    const options = optionsFor(made.store, { policy: { keepLast: 2 } });
    await prune(options);
    assert.deepEqual(await sequencesIn(made.store), [2, 5, 6]);
    const { plan } = await prune(options);
    assert.deepEqual(plan.keep.find(({ version }) => version.key === orphan)?.reasons, ["young"]);
  });

  it("never removes what may yet be committed, however old", async () => {
    const made = await withCommits(2);
    const swapper = made.swapper();
    const operation = await swapper.begin(await swapper.base(), candidateOf(packedBytes()));
    const faulty = new FaultyStore(made.store);
    faulty.fail("put", /latest/, "store-unknown", { times: 1 });
    const slow = makeSwapper(faulty, { clock: made.clock });
    await assert.rejects(slow.advance(operation));
    made.pass(365 * dayMs);
    await prune(optionsFor(made.store, { policy: { keepLast: 1 }, graceMs: 1 }));
    await swapper.advance(operation);
    assert.equal((await readPointer(made.store)).version.key, operation.key);
    assert.notEqual(await made.store.get(operation.key), null);
  });

  it("counts only on versions that are whole", async () => {
    const { store } = await withCommits(6);
    const keys = await keysOf(store, "versions/");
    const [, , , fourth = ""] = keys;
    const whole = await store.get(fourth);
    await store.put(fourth, packedBytes(), { metadata: whole?.metadata });
    const { plan } = await prune(optionsFor(store, { policy: { keepLast: 3 } }));
    assert.deepEqual(
      plan.keep.map(({ version, reasons }) => [version.sequence, reasons.at(-1)]),
      [
        [6, "last"],
        [5, "last"],
        [4, "damaged"],
        [3, "last"],
      ],
    );
  });

  it("removes nothing in place of what nobody can say is whole", async () => {
    const { store } = await withCommits(6);
    for (const key of (await keysOf(store, "versions/")).slice(0, 4)) {
      const version = await store.get(key);
      await store.put(key, version?.bytes ?? new Uint8Array());
    }
    const { plan } = await prune(optionsFor(store, { policy: { keepLast: 4 } }));
    assert.deepEqual(
      plan.keep.map(({ version, reasons }) => [version.sequence, reasons.at(-1)]),
      [
        [6, "last"],
        [5, "last"],
        [4, "unproven"],
        [3, "unproven"],
        [2, "unproven"],
        [1, "unproven"],
      ],
    );
  });

  const damages: readonly [string, string, (store: MemoryStore) => Promise<unknown>][] = [
    ["a pointer that is gone", "pointer-lost", (store) => store.delete("latest.json")],
    [
      "a pointer that is damaged",
      "pointer-damaged",
      (store) => store.put("latest.json", Buffer.from("{")),
    ],
    [
      "a current version with other bytes",
      "version-damaged",
      async (store) => store.put((await readPointer(store)).version.key, packedBytes()),
    ],
    [
      "a current version that is gone",
      "version-damaged",
      async (store) => store.delete((await readPointer(store)).version.key),
    ],
    ["a record that is damaged", "decode", (store) => store.put("pruned.json", Buffer.from("[]"))],
  ];
  for (const [name, code, damage] of damages) {
    it(`refuses ${name}`, async () => {
      const { store } = await withCommits(5);
      await damage(store);
      const before = await keysOf(store);
      await assert.rejects(prune(optionsFor(store, { policy: { keepLast: 1 } })), { code });
      assert.deepEqual(await keysOf(store), before);
    });
  }

  it("refuses a history of which an older pointer was put back", async () => {
    const { store } = await withCommits(3);
    const old = await store.get("latest.json");
    for (let n = 0; n < 2; n += 1) await swapOnce(makeSwapper(store));
    await store.put("latest.json", old?.bytes ?? new Uint8Array());
    await assert.rejects(preparePrune(optionsFor(store, { policy: { keepLast: 1 } })), {
      code: "refused",
      message: /someone restored an older pointer/,
    });
  });

  it("keeps the trace of such a history when mirrors have gone on", async () => {
    const made = await withCommits(3);
    const { store } = made;
    const old = await store.get("latest.json");
    const lost: string[] = [];
    for (let n = 0; n < 2; n += 1) lost.push((await swapOnce(made.swapper())).key);
    await store.put("latest.json", old?.bytes ?? new Uint8Array());
    for (let n = 0; n < 6; n += 1) {
      await swapOnce(made.swapper());
      made.pass(30 * dayMs);
    }
    await prune(optionsFor(store, { policy: { keepLast: 1 } }));
    const { plan } = await prune(optionsFor(store, { policy: { keepLast: 1 } }));
    assert.deepEqual(
      plan.keep
        .filter(({ reasons }) => reasons.includes("branch"))
        .map(({ version }) => version.key),
      lost.toReversed(),
    );
  });

  it("stops when the pointer did not just move on", async () => {
    const { store } = await withCommits(60);
    const before = await readPointer(store);
    const faulty = new FaultyStore(store);
    let deletes = 0;
    faulty.before = async ({ verb }) => {
      deletes += verb === "delete" ? 1 : 0;
      if (deletes !== 15 || verb !== "delete") return;
      const rolledBack = { ...before, sequence: 50, operation: "other" };
      const [key = ""] = await keysOf(store, `versions/${"50".padStart(20, "0")}`);
      await store.put(
        "latest.json",
        Buffer.from(JSON.stringify({ ...rolledBack, version: { ...before.version, key } })),
      );
    };
    const options = optionsFor(faulty, { policy: { keepLast: 2 }, batchSize: 25 });
    await assert.rejects(prune(options), { code: "refused", message: /25 of 58/ });
    assert.equal((await sequencesIn(store)).length, 35);
  });

  it("goes on while mirrors go on", async () => {
    const made = await withCommits(60);
    const faulty = new FaultyStore(made.store);
    const swapper = made.swapper();
    let deletes = 0;
    faulty.before = async ({ verb }) => {
      deletes += verb === "delete" ? 1 : 0;
      if (verb === "delete" && deletes % 14 === 0) await swapOnce(swapper);
    };
    await prune(optionsFor(faulty, { policy: { keepLast: 2 }, batchSize: 10 }));
    assert.deepEqual(await sequencesIn(made.store), [59, 60, 61, 62, 63, 64]);
  });

  it("tells what the store refuses to remove, and goes on", async () => {
    const { store } = await withCommits(6);
    const faulty = new FaultyStore(store);
    faulty.fail("delete", /0003-/, "store-denied", { times: 9 });
    const options = optionsFor(faulty, { policy: { keepLast: 2 } });
    const { removed, failed } = await applyPrune(options, await preparePrune(options));
    assert.equal(removed.size, 3);
    assert.deepEqual(
      [...failed].map(([key, { code }]) => [Number(key.slice(9, 29)), code]),
      [[3, "store-denied"]],
    );
  });

  it("still knows an orphan that the store refuses to remove", async () => {
    const made = world();
    await swapOnce(made.swapper());
    const orphan = await made.orphan();
    for (let n = 0; n < 4; n += 1) await swapOnce(made.swapper());
    made.pass(30 * dayMs);
    await swapOnce(made.swapper());
    const faulty = new FaultyStore(made.store);
    faulty.fail("delete", new RegExp(orphan), "store-denied", { times: 9 });
    const options = optionsFor(faulty, { policy: { keepLast: 2 } });
    const { failed } = await applyPrune(options, await preparePrune(options));
    assert.deepEqual([...failed.keys()], [orphan]);
    const { plan } = await preparePrune(optionsFor(made.store, { policy: { keepLast: 2 } }));
    assert.deepEqual(
      plan.remove.map(({ version, orphan: isOrphan }) => [version.key, isOrphan]),
      [[orphan, true]],
    );
  });

  it("stopped in the middle it says how far it came, and can be run again", async () => {
    const { store } = await withCommits(110);
    const stop = new AbortController();
    const options = optionsFor(store, {
      policy: { keepLast: 2 },
      signal: stop.signal,
      batchSize: 40,
      onProgress: (done, total) => {
        if (total > 10 && done === 60) stop.abort();
      },
    });
    await assert.rejects(prune(options), { code: "aborted", message: /[67]\d of 108 versions/ });
    const record = await readPrunedRecord(store);
    const left = new Set(await sequencesIn(store));
    for (let sequence = 1; sequence <= 108; sequence += 1) {
      assert.ok(left.has(sequence) || wasPruned(record, sequence, sequence));
    }
    await prune(optionsFor(store, { policy: { keepLast: 2 } }));
    assert.deepEqual(await sequencesIn(store), [109, 110]);
  });

  it("prunes a folder of --single-writer too", async () => {
    const store = new MemoryStore();
    const swapper = makeSwapper(store, { singleWriter: true });
    for (let n = 0; n < 5; n += 1) await swapOnce(swapper);
    await prune(optionsFor(store, { policy: { keepLast: 2 } }));
    assert.deepEqual(await sequencesIn(store), [4, 5]);
  });

  it("whatever the policy: what is current stays whole, and a second time removes nothing", async () => {
    const policies = fc.record({
      keepLast: fc.nat(4),
      keepDaily: fc.nat(4),
      keepWeekly: fc.nat(3),
      keepMonthly: fc.nat(3),
      keepWithinMs: fc.nat(30 * dayMs),
    });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 9 * dayMs }) }),
      fc.record({ kind: fc.constantFrom("swap" as const, "orphan" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), policies, async (steps, policy) => {
        const made = world();
        await swapOnce(made.swapper());
        for (const one of steps) {
          if (one.kind === "pass") made.pass(one.ms);
          else if (one.kind === "swap") await swapOnce(made.swapper());
          else await made.orphan();
        }
        const options = optionsFor(made.store, { policy });
        await prune(options);
        const { version, previous } = await readPointer(made.store);
        const left = await keysOf(made.store, "versions/");
        assert.ok(left.includes(version.key));
        assert.ok(previous === null || left.includes(previous.key));
        assert.deepEqual((await prune(options)).plan.remove, []);
        await swapOnce(made.swapper());
      }),
      { numRuns: 60 },
    );
  });
});

describe("the record of what was pruned", () => {
  const shared = { clock: hastyClock(), random: systemRandom, conditional: true };
  const removing = (sequences: readonly number[]) => ({ sequences, orphans: [], branches: [] });

  it("merges ranges", async () => {
    const store = new MemoryStore();
    await recordPruned(store, removing([1, 2, 3, 7]), shared);
    await recordPruned(store, removing([4, 9, 8, 12]), shared);
    assert.deepEqual((await readPrunedRecord(store))?.removed, [
      [1, 4],
      [7, 9],
      [12, 12],
    ]);
  });

  it("loses nothing to another writer, nor to an answer that was lost", async () => {
    const store = new MemoryStore();
    const faulty = new FaultyStore(store);
    faulty.fail("put", /pruned/, "store-unknown", { when: "after" });
    await recordPruned(faulty, removing([1]), shared);
    let hasCome = false;
    faulty.before = async ({ verb }) => {
      if (verb !== "put" || hasCome) return;
      hasCome = true;
      await recordPruned(store, removing([5]), shared);
    };
    await recordPruned(faulty, removing([3]), shared);
    assert.deepEqual((await readPrunedRecord(store))?.removed, [
      [1, 1],
      [3, 3],
      [5, 5],
    ]);
  });
});
