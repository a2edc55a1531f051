import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verifyHistory } from "../../src/checks/verify.ts";
import { examineCopy } from "../../src/recovery/copy/copy.ts";
import { planCopy } from "../../src/recovery/copy/copy-plan.ts";
import { refuseSamePlace } from "../../src/recovery/copy/same-place.ts";
import { applyRepair } from "../../src/recovery/repair.ts";
import { planRepair } from "../../src/recovery/repair-plan.ts";
import { readPrunedRecord } from "../../src/repository/pruned-record.ts";
import { recordRestore } from "../../src/repository/restore-record.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
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
import { contentOf, copy, goOn, historyOf, optionsFor } from "./copy-world.ts";
import {
  dayMs,
  prune,
  optionsFor as pruneOptions,
  sequencesIn,
  withCommits,
} from "./prune-world.ts";

const sequenceOf = async (store: ObjectStore): Promise<number> =>
  (await readPointer(store)).sequence;

const verify = (store: ObjectStore) =>
  verifyHistory({ store, node: "alice", now: Date.now(), random: systemRandom });

const versionsOf = (store: ObjectStore): Promise<string[]> => keysOf(store, "versions/");

/** Other bytes under the same key, with what the version says of itself. */
async function damage(store: ObjectStore, key: string): Promise<void> {
  const had = await store.get(key);
  await store.put(key, packedBytes(), { metadata: had?.metadata });
}

const keyOf = async (store: ObjectStore, sequence: number): Promise<string> => {
  const [key = ""] = await keysOf(store, `versions/${String(sequence).padStart(20, "0")}`);
  return key;
};

describe("copy", () => {
  it("brings all of a history into an empty place, and a mirror goes on there", async () => {
    const source = await historyOf(12);
    const target = new MemoryStore();
    const report = await copy(source, target);
    assert.deepEqual(report.versions, { total: 12, copied: 12, present: 0 });
    assert.equal(report.bytes, 12 * 700);
    assert.deepEqual(report.pointer, { state: "placed" });
    assert.deepEqual(report.problems, []);
    assert.equal(report.movedOnTo, null);
    assert.deepEqual(await contentOf(target, "versions/"), await contentOf(source, "versions/"));
    assert.deepEqual(await contentOf(target, "origin"), await contentOf(source, "origin"));
    assert.deepEqual(await readPointer(target), await readPointer(source));
    assert.equal((await swapOnce(makeSwapper(target))).sequence, 13);
  });

  it("changes nothing while it plans, and says what would come of it", async () => {
    const source = await historyOf(5);
    const target = new MemoryStore();
    await copy(source, target);
    await goOn(source, 3);
    await damage(source, await keyOf(source, 7));
    const before = [await contentOf(source), await contentOf(target)];
    const faulty = new FaultyStore(target);
    const options = optionsFor(source, faulty);
    const report = await examineCopy(await planCopy(options), options);
    assert.deepEqual(report.versions, { total: 8, copied: 2, present: 5 });
    assert.deepEqual(
      report.problems.map(({ code }) => code),
      ["damaged"],
    );
    assert.deepEqual(report.pointer, { state: "placed" });
    assert.deepEqual([await contentOf(source), await contentOf(target)], before);
    assert.deepEqual(
      faulty.calls.filter(({ verb }) => verb === "put" || verb === "delete"),
      [],
    );
  });

  it("moves the pointer last, after what a restore needs", async () => {
    const source = await historyOf(30);
    const swapper = makeSwapper(source);
    const key = await keyOf(source, 2);
    const points = [`${"ab".repeat(32)}:0`];
    await swapNaming(swapper, [{ key, sha256: null, channelPoints: points }]);
    await goOn(source, 2);
    const target = new FaultyStore(new MemoryStore());
    await copy(source, target);
    const puts = target.calls.filter(({ verb }) => verb === "put").map((call) => call.key);
    assert.equal(puts.at(-1), "latest.json");
    assert.ok(puts.indexOf(key) < 16, "what is needed is among the first");
    assert.ok(puts.indexOf(await keyOf(source, 33)) < 16, "and so is what is current");
    assert.deepEqual(
      (await readPointer(target)).alsoRestore,
      (await readPointer(source)).alsoRestore,
    );
  });

  it("brings the rest when it is run again", async () => {
    const source = await historyOf(4);
    const target = new MemoryStore();
    await copy(source, target);
    await goOn(source, 3);
    const report = await copy(source, target);
    assert.deepEqual(report.versions, { total: 7, copied: 3, present: 4 });
    assert.equal(await sequenceOf(target), 7);
    const again = await copy(source, target);
    assert.deepEqual(again.versions, { total: 7, copied: 0, present: 7 });
    assert.deepEqual(again.pointer, { state: "level" });
  });

  it("brings the rest however far the source has gone on", async () => {
    const source = await historyOf(3);
    const [behind, unlisted] = [new MemoryStore(), new MemoryStore()];
    for (const target of [behind, unlisted]) await copy(source, target);
    // More than a pointer remembers.
    await goOn(source, 80);
    assert.deepEqual((await copy(source, behind)).pointer, { state: "placed" });
    await source.delete(await keyOf(source, 3));
    assert.deepEqual((await copy(source, unlisted)).pointer, { state: "placed" });
    assert.equal(await sequenceOf(unlisted), 83);
  });

  it("brings the rest though prune has left little between", async () => {
    const made = await withCommits(3);
    const source = made.store;
    const target = new MemoryStore();
    await copy(source, target);
    made.pass(60 * dayMs);
    const swapper = made.swapper();
    for (let n = 0; n < 80; n += 1) await swapOnce(swapper);
    await prune(pruneOptions(source, { policy: { keepMonthly: 12 } }));
    assert.deepEqual(await sequencesIn(source), [1, 3, 82, 83]);
    assert.deepEqual((await copy(source, target)).pointer, { state: "placed" });
  });

  it("goes on wherever it was cut short", async () => {
    const source = await historyOf(6);
    const probe = new FaultyStore(new MemoryStore());
    await copy(source, probe);
    const puts = probe.calls.filter(({ verb }) => verb === "put").length;
    for (let cut = 0; cut < puts; cut += 1) {
      for (const when of ["before", "after"] as const) {
        const target = new MemoryStore();
        const dying = new FaultyStore(target);
        let done = 0;
        dying.fail("put", /./, "io", { when, times: Number.POSITIVE_INFINITY });
        const [fault] = dying.faults;
        assert.ok(fault);
        dying.faults[0] = {
          ...fault,
          on: ({ verb }) => {
            if (verb === "put") done += 1;
            return verb === "put" && done > cut;
          },
        };
        await assert.rejects(copy(source, dying), {
          code: "io",
          message: /run the same command again to continue/,
        });
        await copy(source, target);
        assert.deepEqual(await contentOf(target), await contentOf(probe));
      }
    }
  });

  it("has looked again where an answer was lost", async () => {
    const source = await historyOf(3);
    const target = new MemoryStore();
    const faulty = new FaultyStore(target);
    faulty.fail("put", /versions/, "store-unknown", { when: "after" });
    faulty.fail("put", /versions/, "store-busy", { times: 2 });
    faulty.fail("put", /latest/, "store-unknown", { times: 1 });
    faulty.fail("put", /latest/, "store-busy", { times: 1 });
    faulty.fail("put", /latest/, "store-unknown", { when: "after" });
    const report = await copy(source, faulty);
    assert.deepEqual(report.versions, { total: 3, copied: 3, present: 0 });
    assert.deepEqual(await contentOf(target, "versions/"), await contentOf(source, "versions/"));
    assert.equal(await sequenceOf(target), 3);
  });

  it("never takes for copied what a store has kept otherwise", async () => {
    const source = await historyOf(3);
    const target = new FaultyStore(new MemoryStore());
    const put = target.put;
    target.put = (key, bytes, options) =>
      put(key, key.includes("0002-") ? bytes.slice(0, -1) : bytes, options);
    const report = await copy(source, target);
    assert.deepEqual(
      report.problems.map(({ code, key }) => [code, Number(key.slice(9, 29))]),
      [["differs", 2]],
    );
    assert.deepEqual(report.versions, { total: 3, copied: 2, present: 0 });
  });

  it("never takes for copied what a store has not kept", async () => {
    const source = await historyOf(3);
    const target = new FaultyStore(new MemoryStore());
    const put = target.put;
    target.put = (key, bytes, options) =>
      key.includes("0002-") ? Promise.resolve({ etag: '"x"' }) : put(key, bytes, options);
    await assert.rejects(copy(source, target), {
      code: "store-unknown",
      message: /loses what it acknowledges/,
    });
    assert.equal(await target.get("latest.json"), null);
  });

  describe("at the source", () => {
    it("a damaged version is named, and not copied", async () => {
      const source = await historyOf(5);
      const key = await keyOf(source, 3);
      await damage(source, key);
      const target = new MemoryStore();
      const report = await copy(source, target);
      assert.deepEqual(
        report.problems.map(({ key: of, code }) => [of, code]),
        [[key, "damaged"]],
      );
      assert.deepEqual(report.versions, { total: 5, copied: 4, present: 0 });
      assert.equal(await target.get(key), null);
      assert.equal(await sequenceOf(target), 5);
    });

    it("a damaged version that the target has whole is told as such", async () => {
      const source = await historyOf(4);
      const target = new MemoryStore();
      await copy(source, target);
      await damage(source, await keyOf(source, 2));
      const { problems } = await copy(source, target);
      assert.match(problems[0]?.message ?? "", /the target's copy is intact/);
    });

    for (const [how, spoil] of [
      ["damaged", damage],
      ["missing", (store: ObjectStore, key: string) => store.delete(key)],
    ] as const) {
      it(`without its current version (${how}) the pointer stays behind`, async () => {
        const source = await historyOf(4);
        const target = new MemoryStore();
        await copy(source, target);
        await goOn(source, 2);
        await spoil(source, await keyOf(source, 6));
        const report = await copy(source, target);
        assert.equal(report.pointer.state, "withheld");
        assert.deepEqual(
          report.problems.map(({ code }) => code),
          [how],
        );
        assert.equal(await sequenceOf(target), 4);
        assert.equal((await versionsOf(target)).length, 5);
      });
    }

    it("a version without metadata is proved by the one that came after it", async () => {
      const source = await historyOf(4);
      const second = await keyOf(source, 2);
      const had = await source.get(second);
      await source.put(second, had?.bytes ?? new Uint8Array());
      assert.deepEqual((await copy(source, new MemoryStore())).problems, []);
      await source.put(second, packedBytes());
      const { problems } = await copy(source, new MemoryStore());
      assert.deepEqual(
        problems.map(({ key, code }) => [key, code]),
        [[second, "damaged"]],
      );
    });

    it("a version that was written over, with what it says of itself, is told by the next", async () => {
      const source = await historyOf(40);
      const key = await keyOf(source, 17);
      const had = await source.get(key);
      const bytes = packedBytes();
      const metadata = { ...had?.metadata, "scb-sha256": sha256Hex(bytes) };
      await source.put(key, bytes, { metadata });
      const next = await keyOf(source, 18);
      const slow = new FaultyStore(source);
      const isRead = Promise.withResolvers<void>();
      slow.before = async (call) => {
        if (call.verb !== "get") return;
        if (call.key === key) setImmediate(isRead.resolve);
        if (call.key === next) await isRead.promise;
      };
      const target = new MemoryStore();
      const { problems } = await copy(slow, target);
      assert.deepEqual(
        problems.map((problem) => [problem.key, problem.code]),
        [[key, "damaged"]],
      );
      assert.equal(await target.get(key), null);
    });

    it("what a version that never became current says of another counts for nothing", async () => {
      const made = await withCommits(3);
      const orphan = await made.orphan();
      await swapOnce(made.swapper());
      const object = await made.store.get(orphan);
      const metadata = { ...object?.metadata, "scb-previous-sha256": "ab".repeat(32) };
      await made.store.put(orphan, object?.bytes ?? new Uint8Array(), { metadata });
      assert.deepEqual((await copy(made.store, new MemoryStore())).problems, []);
    });

    it("metadata of others that no store takes is left behind, and ours is kept", async () => {
      const state: MemoryState = new Map();
      const source = new MemoryStore(state);
      await goOn(source, 2);
      const key = await keyOf(source, 2);
      const had = state.get(key);
      assert.ok(had);
      state.set(key, { ...had, metadata: { ...had.metadata, comment: "naïve" } });
      const target = new MemoryStore();
      assert.deepEqual((await copy(source, target)).problems, []);
      assert.deepEqual((await target.get(key))?.metadata, had.metadata);
    });

    it("a version that nothing proves is copied, and named", async () => {
      const source = await historyOf(4);
      for (const sequence of [1, 2]) {
        const key = await keyOf(source, sequence);
        const had = await source.get(key);
        await source.put(key, had?.bytes ?? new Uint8Array());
      }
      const target = new MemoryStore();
      const { problems, versions } = await copy(source, target);
      assert.deepEqual(
        problems.map(({ key, code }) => [Number(key.slice(9, 29)), code]),
        [[1, "unproven"]],
      );
      assert.equal(versions.copied, 4);
    });

    for (const [how, spoil] of [
      ["lost", (store: ObjectStore) => store.delete("latest.json")],
      ["damaged", (store: ObjectStore) => store.put("latest.json", Buffer.from("{"))],
    ] as const) {
      it(`with its pointer ${how} the versions are saved, and repair goes on there`, async () => {
        const source = await historyOf(4);
        await spoil(source);
        const target = new MemoryStore();
        const report = await copy(source, target);
        assert.equal(report.pointer.state, "withheld");
        assert.deepEqual(report.versions, { total: 4, copied: 4, present: 0 });
        assert.equal(await target.get("latest.json"), null);
        await assert.rejects(makeSwapper(target).base(), { code: "pointer-lost" });
        const plan = await planRepair({ store: target });
        assert.ok(plan.target);
        const clock = hastyClock();
        const writer = "a test";
        await applyRepair(plan, plan.target, {
          store: target,
          node: "alice",
          writer,
          clock,
          random: systemRandom,
        });
        assert.equal(await sequenceOf(target), 4);
      });
    }

    it("with an older pointer put back, no pointer is moved", async () => {
      const source = await historyOf(2);
      const old = await source.get("latest.json");
      await goOn(source, 3);
      await source.put("latest.json", old?.bytes ?? new Uint8Array());
      const target = new MemoryStore();
      const report = await copy(source, target);
      assert.equal(report.pointer.state, "withheld");
      assert.equal(report.versions.copied, 5);
      assert.equal(await target.get("latest.json"), null);
    });

    it("nothing there is told", async () => {
      await assert.rejects(copy(new MemoryStore(), new MemoryStore()), { code: "not-found" });
    });

    it("what goes on meanwhile is told, and the next time brings it", async () => {
      const source = await historyOf(4);
      const faulty = new FaultyStore(source);
      let isFirst = true;
      faulty.before = async ({ verb, key }) => {
        if (verb !== "get" || !key.startsWith("versions/") || !isFirst) return;
        isFirst = false;
        await goOn(source, 2);
      };
      const target = new MemoryStore();
      const report = await copy(faulty, target);
      assert.equal(report.movedOnTo, 6);
      assert.equal(await sequenceOf(target), 4);
      assert.equal((await copy(source, target)).movedOnTo, null);
      assert.equal(await sequenceOf(target), 6);
    });

    it("what prune removes meanwhile is no loss", async () => {
      const made = await withCommits(8);
      const source = made.store;
      const faulty = new FaultyStore(source);
      let isFirst = true;
      faulty.before = async ({ verb, key }) => {
        if (verb !== "get" || !key.startsWith("versions/") || !isFirst) return;
        isFirst = false;
        await prune(pruneOptions(source, { policy: { keepLast: 3 } }));
      };
      const target = new MemoryStore();
      const report = await copy(faulty, target);
      assert.deepEqual(report.problems, []);
      const verified = await verify(target);
      assert.deepEqual(verified.problems, []);
    });
  });

  describe("into a target", () => {
    it("that was meddled with: what differs stays, and is named", async () => {
      const source = await historyOf(5);
      const target = new MemoryStore();
      await copy(source, target);
      const key = await keyOf(target, 2);
      await damage(target, key);
      const meddled = await target.get(key);
      await target.delete(await keyOf(target, 3));
      await goOn(source, 1);
      const report = await copy(source, target);
      assert.deepEqual(
        report.problems.map(({ key: of, code }) => [of, code]),
        [[key, "differs"]],
      );
      assert.deepEqual(report.versions, { total: 6, copied: 2, present: 3 });
      assert.deepEqual(await target.get(key), meddled);
      assert.equal(await sequenceOf(target), 6);
    });

    it("that has other bytes for the current version: the pointer stays", async () => {
      const source = await historyOf(3);
      const target = new MemoryStore();
      await copy(source, target);
      await goOn(source, 1);
      await target.put(await keyOf(source, 4), packedBytes());
      const report = await copy(source, target);
      assert.equal(report.pointer.state, "withheld");
      assert.equal(await sequenceOf(target), 3);
    });

    const refusals: readonly [
      string,
      RegExp,
      (source: MemoryStore, target: MemoryStore) => Promise<unknown>,
    ][] = [
      [
        "that is ahead",
        /is ahead/,
        async (source, target) => {
          await copy(source, target);
          await goOn(target, 2);
        },
      ],
      [
        "on another branch of the same length",
        /another branch|its history is a different one/,
        async (source, target) => {
          await copy(source, target);
          await goOn(target, 1);
          await goOn(source, 1);
        },
      ],
      [
        "on another branch that is shorter",
        /another branch|its history is a different one/,
        async (source, target) => {
          await copy(source, target);
          await goOn(target, 1);
          await goOn(source, 4);
        },
      ],
      [
        "with a history of its own",
        /another branch|its history is a different one/,
        (_, target) => goOn(target, 2),
      ],
      [
        "with a longer history of its own",
        /another branch|its history is a different one/,
        (_, target) => goOn(target, 9),
      ],
      [
        "with a history of its own, whose pointer is lost",
        /its history is a different one/,
        async (_, target) => {
          await goOn(target, 2);
          await target.delete("latest.json");
        },
      ],
      [
        "whose pointer is damaged",
        /it isn't known what is current/,
        async (source, target) => {
          await copy(source, target);
          await target.put("latest.json", Buffer.from("[]"));
        },
      ],
      [
        "of --single-writer",
        /is append-only and has no pointer/,
        async (_, target) => swapOnce(makeSwapper(target, { singleWriter: true })),
      ],
      [
        "in which an older pointer was put back",
        /its history is a different one/,
        async (source, target) => {
          await copy(source, target);
          const old = await target.get("latest.json");
          await goOn(target, 3);
          await target.put("latest.json", old?.bytes ?? new Uint8Array());
        },
      ],
    ];
    for (const [name, message, prepare] of refusals) {
      it(`${name}: nothing is changed`, async () => {
        const source = await historyOf(3);
        const target = new MemoryStore();
        await prepare(source, target);
        const before = await contentOf(target);
        await assert.rejects(copy(source, target), { code: "refused", message });
        assert.deepEqual(await contentOf(target), before);
      });
    }

    it("of another node: nothing is changed", async () => {
      const [source, target] = [new MemoryStore(), new MemoryStore()];
      for (const [store, letter] of [
        [source, "a"],
        [target, "b"],
      ] as const) {
        const node = { pubkey: `02${letter.repeat(64)}`, network: "regtest" } as const;
        await swapOnce(makeSwapper(store, { node }));
      }
      const before = await contentOf(target);
      await assert.rejects(copy(source, target), { code: "wrong-node" });
      assert.deepEqual(await contentOf(target), before);
    });

    it("where somebody puts other bytes under a version's key meanwhile: they stay", async () => {
      const source = await historyOf(3);
      const key = await keyOf(source, 2);
      const target = new MemoryStore();
      const racing = new FaultyStore(target);
      const theirs = packedBytes();
      racing.before = async (call) => {
        if (call.verb === "put" && call.key === key) await target.put(key, theirs);
      };
      const { problems } = await copy(source, racing);
      assert.deepEqual(
        problems.map((problem) => [problem.key, problem.code]),
        [[key, "differs"]],
      );
      assert.deepEqual((await target.get(key))?.bytes, theirs);
    });

    it("where a mirror begins meanwhile: its pointer stays", async () => {
      const source = await historyOf(3);
      const target = new MemoryStore();
      const racing = new FaultyStore(target);
      let theirs: unknown;
      racing.before = async ({ verb, key }) => {
        if (verb !== "put" || key !== "latest.json") return;
        racing.before = () => undefined;
        await target.put("latest.json", (await historyBytes()).bytes);
        theirs = await target.get("latest.json");
      };
      await assert.rejects(copy(source, racing), {
        code: "superseded",
        message: /left as it is.*3 of 3 versions are in the target/s,
      });
      assert.deepEqual(await target.get("latest.json"), theirs);
    });

    it("where a mirror goes on meanwhile: its pointer stays, and the branch is told", async () => {
      const source = await historyOf(3);
      const target = new MemoryStore();
      await copy(source, target);
      await goOn(source, 1);
      const racing = new FaultyStore(target);
      racing.before = async ({ verb, key }) => {
        if (verb !== "put" || key !== "latest.json") return;
        racing.before = () => undefined;
        await goOn(target, 1);
      };
      await assert.rejects(copy(source, racing), { code: "superseded" });
      const theirs = await readPointer(target);
      assert.notEqual(theirs.version.key, await keyOf(source, 4));
      await assert.rejects(copy(source, target), { code: "refused" });
      assert.deepEqual(await readPointer(target), theirs);
    });

    it("where a mirror has a swap under way: it takes a new base from what was copied", async () => {
      const source = await historyOf(3);
      const target = new MemoryStore();
      await copy(source, target);
      const swapper = makeSwapper(target);
      const operation = await swapper.begin(await swapper.base(), candidateOf(packedBytes()));
      await goOn(source, 2);
      await copy(source, target);
      await assert.rejects(swapper.advance(operation), { code: "superseded" });
      assert.equal((await swapOnce(swapper)).sequence, 6);
    });

    it("whose half of a copy was repaired: the copy goes on from there", async () => {
      const source = await historyOf(6);
      const target = new MemoryStore();
      for (const sequence of [1, 2, 3, 4]) {
        const object = await source.get(await keyOf(source, sequence));
        assert.ok(object);
        await target.put(object.key, object.bytes, { metadata: object.metadata });
      }
      const plan = await planRepair({ store: target });
      assert.ok(plan.target);
      await applyRepair(plan, plan.target, {
        store: target,
        node: "alice",
        writer: "a test",
        clock: hastyClock(),
        random: systemRandom,
      });
      assert.equal(await sequenceOf(target), 4);
      assert.deepEqual((await copy(source, target)).pointer, { state: "placed" });
      assert.deepEqual(await readPointer(target), await readPointer(source));
    });

    it("by two at once", async () => {
      const source = await historyOf(20);
      const target = new MemoryStore();
      const reports = await Promise.all([copy(source, target), copy(source, target)]);
      for (const { problems, pointer } of reports) {
        assert.deepEqual([problems, pointer], [[], { state: "placed" }]);
      }
      assert.deepEqual(await contentOf(target, "versions/"), await contentOf(source, "versions/"));
    });

    it("without conditions: versions only, and it is told", async () => {
      const source = await historyOf(3);
      const inner = new MemoryStore();
      const target: ObjectStore = Object.assign(prefixedStore(inner, "alice"), {
        conditions: "none" as const,
        put: (key: string, bytes: Uint8Array, options: Parameters<ObjectStore["put"]>[2]) => {
          assert.equal(options?.condition, undefined);
          return inner.put(`alice/${key}`, bytes, options);
        },
      });
      const report = await copy(source, target);
      assert.equal(report.pointer.state, "none");
      assert.equal(report.versions.copied, 3);
      assert.equal(await target.get("latest.json"), null);
    });

    it("whose conditions were found not to hold: versions only", async () => {
      const target = new MemoryStore();
      const report = await copy(await historyOf(3), target, { withoutPointer: "it lies" });
      assert.deepEqual(report.pointer, { state: "withheld", reason: "it lies" });
      assert.equal((await versionsOf(target)).length, 3);
      assert.equal(await target.get("latest.json"), null);
    });
  });

  describe("with what else belongs to the node", () => {
    it("keeps refusals and notes of restores, and leaves what is a store's own", async () => {
      const source = await historyOf(2);
      const swapper = makeSwapper(source);
      await assert.rejects(swapper.begin(await swapper.base(), candidateOf(packedBytes(45))), {
        code: "refused",
      });
      const options = { clock: hastyClock(), random: systemRandom };
      const { version } = await readPointer(source);
      const note = { key: version.key, sequence: 2, to: "file", by: "a test" } as const;
      await recordRestore(source, note, options);
      await source.put("probe/verdict.json", Buffer.from("{}"));
      await source.put("drills/01JD0000000000000000000000.json", Buffer.from("{}"));
      const target = new MemoryStore();
      const report = await copy(source, target);
      assert.deepEqual(report.records, { copied: 3, present: 0 });
      for (const prefix of ["quarantine/", "restores/"]) {
        assert.deepEqual(await contentOf(target, prefix), await contentOf(source, prefix));
        assert.notDeepEqual(await keysOf(target, prefix), []);
      }
      assert.deepEqual(await keysOf(target, "probe/"), []);
      assert.deepEqual(await keysOf(target, "drills/"), []);
      assert.deepEqual((await copy(source, target)).records, { copied: 0, present: 3 });
    });

    it("copies the versions though the record of what was pruned can't be read", async () => {
      const source = await historyOf(3);
      await source.put("pruned.json", Buffer.from("["));
      const { problems, versions, pointer } = await copy(source, new MemoryStore());
      assert.deepEqual(
        problems.map(({ key, code }) => [key, code]),
        [["pruned.json", "damaged"]],
      );
      assert.deepEqual([versions.copied, pointer.state], [3, "placed"]);
    });

    it("names a held-back backup that is damaged", async () => {
      const source = await historyOf(2);
      const swapper = makeSwapper(source);
      const refused = swapper.begin(await swapper.base(), candidateOf(packedBytes(45)));
      await assert.rejects(refused, { code: "refused" });
      const [key = ""] = await keysOf(source, "quarantine/");
      await source.put(key, packedBytes(45));
      const { problems } = await copy(source, new MemoryStore());
      assert.deepEqual(
        problems.map((problem) => [problem.key, problem.code]),
        [[key, "damaged"]],
      );
    });

    it("knows what was pruned, and calls nothing pruned that it has", async () => {
      const { store: source } = await withCommits(6);
      const target = new MemoryStore();
      await copy(source, target);
      await prune(pruneOptions(source, { policy: { keepLast: 2 } }));
      await copy(source, target);
      assert.deepEqual((await readPrunedRecord(target))?.removed, []);
      assert.equal((await versionsOf(target)).length, 6);
      const fresh = new MemoryStore();
      await copy(source, fresh);
      assert.deepEqual((await readPrunedRecord(fresh))?.removed, [[1, 4]]);
      for (const store of [target, fresh]) {
        const { problems } = await verify(store);
        assert.deepEqual(problems, []);
      }
    });

    it("goes on from a version that was pruned since, if anything shows that it was one", async () => {
      const { store: source, swapper } = await withCommits(3);
      const target = new MemoryStore();
      await copy(source, target);
      const one = swapper();
      for (let n = 0; n < 10; n += 1) await swapOnce(one);
      await prune(pruneOptions(source, { policy: { keepLast: 2 } }));
      assert.deepEqual((await copy(source, target)).pointer, { state: "placed" });
      for (let n = 0; n < 80; n += 1) await swapOnce(one);
      await prune(pruneOptions(source, { policy: { keepLast: 2 } }));
      await assert.rejects(copy(source, target), { code: "refused", message: /was pruned/ });
    });

    it("copies a folder of --single-writer, which goes on as one", async () => {
      const source = new MemoryStore();
      const swapper = makeSwapper(source, { singleWriter: true });
      for (let n = 0; n < 3; n += 1) await swapOnce(swapper);
      const target = new MemoryStore();
      assert.equal((await copy(source, target)).pointer.state, "none");
      assert.deepEqual(await contentOf(target), await contentOf(source));
      const there = makeSwapper(target, { singleWriter: true });
      assert.equal((await swapOnce(there)).sequence, 4);
      await assert.rejects(copy(source, target), { code: "refused" });
    });
  });

  it("stopped in the middle it says how far it came", async () => {
    const source = await historyOf(60);
    const stop = new AbortController();
    const target = new MemoryStore();
    const onProgress = (done: number): void => {
      if (done === 30) stop.abort();
    };
    await assert.rejects(copy(source, target, { signal: stop.signal, onProgress }), {
      code: "aborted",
      message: /[34]\d of 60 versions are in the target/,
    });
    assert.equal(await target.get("latest.json"), null);
    assert.equal((await copy(source, target)).pointer.state, "placed");
  });

  it("finds two names of one place", async () => {
    const store = await historyOf(1);
    const options = { clock: hastyClock(), random: systemRandom };
    const before = await keysOf(store);
    await assert.rejects(refuseSamePlace(store, new FaultyStore(store), options), {
      code: "usage",
    });
    assert.deepEqual(await keysOf(store), before);
    await refuseSamePlace(store, new MemoryStore(), options);
  });
});

/** A pointer of some other history. */
async function historyBytes() {
  const other = await historyOf(1);
  const pointer = await other.get("latest.json");
  assert.ok(pointer);
  return pointer;
}
