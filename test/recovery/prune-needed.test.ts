import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyPrune, preparePrune } from "../../src/recovery/prune/prune.ts";
import type { AlsoRestore } from "../../src/repository/also-restore.ts";
import { swapNaming } from "../support/also-restore.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { keysOf, makeSwapper, packedBytes, swapOnce } from "../support/mirror-fixture.ts";
import {
  dayMs,
  optionsFor,
  prune,
  sequencesIn,
  startMs,
  withCommits,
  world,
} from "./prune-world.ts";

const channelPoint = `${"ab".repeat(32)}:0`;

/** Six versions, and a seventh whose pointer names the second one. */
async function withNeeded() {
  const made = await withCommits(6);
  const [, key = ""] = await keysOf(made.store, "versions/");
  const also: AlsoRestore[] = [{ key, sha256: null, channelPoints: [channelPoint] }];
  const swapper = made.swapper();
  await swapNaming(swapper, also);
  return { ...made, key, also, swapper };
}

describe("prune and what a restore needs besides", () => {
  it("keeps it, and says why", async () => {
    const { store, key } = await withNeeded();
    const { plan } = await prune(optionsFor(store, { policy: { keepLast: 1 } }));
    assert.deepEqual(await sequencesIn(store), [2, 6, 7]);
    assert.deepEqual(plan.keep.find(({ version }) => version.key === key)?.reasons, ["needed"]);
  });

  it("lets it go when the pointer doesn't name it any more", async () => {
    const { store, swapper } = await withNeeded();
    await swapNaming(swapper, []);
    await prune(optionsFor(store, { policy: { keepLast: 1 } }));
    assert.deepEqual(await sequencesIn(store), [7, 8]);
  });

  for (const [name, harm] of [
    ["gone", (store: FaultyStore, key: string) => store.delete(key)],
    ["damaged", (store: FaultyStore, key: string) => store.put(key, packedBytes())],
  ] as const) {
    it(`removes nothing if it is ${name}: another version may have to take its place`, async () => {
      const { store, key } = await withNeeded();
      const faulty = new FaultyStore(store);
      await harm(faulty, key);
      const before = await keysOf(store);
      await assert.rejects(prune(optionsFor(faulty, { policy: { keepLast: 1 } })), {
        code: "version-damaged",
        message: new RegExp(`${key}, which a restore needs for the funds of ${channelPoint}`),
      });
      assert.deepEqual(await keysOf(store), before);
    });
  }

  it("looks again before each batch", async () => {
    const { store, clock } = await withCommits(8);
    const options = optionsFor(store, { policy: { keepLast: 1 }, batchSize: 2 });
    const prepared = await preparePrune(options);
    const [, , , key = ""] = await keysOf(store, "versions/");
    const needs = makeSwapper(store, { clock });
    const faulty = new FaultyStore(store);
    let deleted = 0;
    faulty.before = async ({ verb }) => {
      if (verb === "delete" && ++deleted === 2) {
        await swapNaming(needs, [{ key, sha256: null, channelPoints: [channelPoint] }]);
      }
    };
    await assert.rejects(applyPrune({ ...options, store: faulty }, prepared), {
      code: "refused",
      message: /now needs .*2 of 6 versions were removed/,
    });
    assert.notEqual(await store.get(key), null);
  });
});

describe("prune and times that are later than now", () => {
  /** Sixteen versions, a day apart; the clock of all was two years ahead for one of them. */
  async function withLeap(sequence: number) {
    const made = world();
    for (let n = 1; n <= 16; n += 1) {
      made.pass(n === sequence ? 730 * dayMs : dayMs);
      await swapOnce(made.swapper());
      if (n === sequence) made.pass(-729 * dayMs);
    }
    const clock = hastyClock({ startMs: startMs + 20 * dayMs });
    return { store: made.store, clock };
  }

  for (const sequence of [16, 9]) {
    for (const policy of [{ keepWithinMs: 3 * dayMs }, { keepDaily: 5 }, { keepMonthly: 1 }]) {
      it(`refuses ${Object.keys(policy)} over sequence ${sequence}`, async () => {
        const { store, clock } = await withLeap(sequence);
        const before = await keysOf(store);
        await assert.rejects(prune(optionsFor(store, { policy, clock })), {
          code: "refused",
          message: /claims to be from the future.*--keep-last/,
        });
        assert.deepEqual(await keysOf(store), before);
      });
    }

    it(`goes by the order with --keep-last, whatever the time of sequence ${sequence}`, async () => {
      const { store, clock } = await withLeap(sequence);
      await prune(optionsFor(store, { policy: { keepLast: 3 }, clock }));
      assert.deepEqual(await sequencesIn(store), [14, 15, 16]);
    });
  }

  it("refuses to call an orphan old by a pointer from the future", async () => {
    const made = world();
    await swapOnce(made.swapper());
    const orphan = await made.orphan();
    made.pass(730 * dayMs);
    await swapOnce(made.swapper());
    const clock = hastyClock({ startMs: startMs + dayMs });
    await assert.rejects(prune(optionsFor(made.store, { policy: { keepLast: 9 }, clock })), {
      code: "refused",
    });
    assert.notEqual(await made.store.get(orphan), null);
  });
});
