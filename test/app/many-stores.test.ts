import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { latestKey } from "../../src/repository/layout.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { point } from "../node/fake-lnd.ts";
import type { FaultyStore } from "../support/faulty-store.ts";
import { keysOf, readPointer } from "../support/mirror-fixture.ts";
import { mirrorOf, swap } from "../support/scripted-node.ts";
import { faultyStore, ManyStoresNode, runManyStores } from "./many-stores-world.ts";

const [a, b, c, x] = [point(1), point(2), point(3), point(9)];

/** Whether this event says that the store holds so many channels. */
const holds = (store: FaultyStore, channels: number) => (event: object) =>
  "kind" in event &&
  event.kind === "swapped" &&
  "store" in event &&
  event.store === store.location &&
  "commit" in event &&
  (event.commit as { channels: number | null }).channels === channels;

const says = (kind: string, store: FaultyStore | null) => (event: object) =>
  "kind" in event &&
  event.kind === kind &&
  "store" in event &&
  event.store === (store?.location ?? null);

const isVerdict = (verdict: string) => (event: object) =>
  says("verdict", null)(event) && "verdict" in event && event.verdict === verdict;

/** A node with these channels, and a store that holds them. */
async function saved(node: ManyStoresNode, store: FaultyStore, points: readonly string[]) {
  await swap(mirrorOf(node.witness, store), node.witness.candidate(points));
}

describe("several stores", () => {
  it("each holds each state, and the node is asked as one mirror would ask it", async () => {
    const node = new ManyStoresNode();
    const stores = [faultyStore("a"), faultyStore("b"), faultyStore("c")];
    node.set([a]);
    await using run = runManyStores(node, stores);
    for (const store of stores) await run.heard(holds(store, 1));
    await run.heard(isVerdict("safe"));
    const before = node.snapshots;
    node.set([a, b]);
    for (const store of stores) await run.heard(holds(store, 2));
    assert.equal(node.snapshots - before, 1);
    const { witness } = node;
    witness.closed = [a];
    witness.asked.length = 0;
    node.set([b, c, x]);
    for (const store of stores) await run.heard(holds(store, 3));
    // Each store compares it with what all of them hold.
    assert.equal(witness.asked.filter((question) => question === "closed").length, 1);
    assert.deepEqual(await run.stop(), { last: "saved", saved: 3, of: 3 });
  });

  it("one that hangs delays no other, and is level soon after it answers again", async () => {
    const node = new ManyStoresNode();
    const [good, hung] = [faultyStore("good"), faultyStore("hung")];
    node.set([a]);
    await using run = runManyStores(node, [good, hung]);
    for (const store of [good, hung]) await run.heard(holds(store, 1));
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    hung.before = () => released;
    node.set([a, b]);
    await run.heard(holds(good, 2));
    node.set([a, b, c]);
    await run.heard(holds(good, 3));
    assert.ok(!run.events.some(holds(hung, 2)));
    hung.before = () => undefined;
    release();
    await run.heard(holds(hung, 3));
  });

  it("isn't safe while one lacks the state, unless the others are enough", async () => {
    for (const requirement of ["all", 1] as const) {
      const node = new ManyStoresNode();
      const [good, away] = [faultyStore("good"), faultyStore("away")];
      away.fail("get", /./, "store-busy", { times: Infinity });
      node.set([a]);
      await using run = runManyStores(node, [good, away], { requirement });
      await run.heard(isVerdict(requirement === 1 ? "safe" : "unsafe"));
      assert.equal(run.events.some(isVerdict("safe")), requirement === 1);
    }
  });

  it("what one of them holds keeps a worse backup from all", async () => {
    const node = new ManyStoresNode();
    const [ahead, behind] = [faultyStore("ahead"), faultyStore("behind")];
    await saved(node, ahead, [a, b]);
    await saved(node, behind, [a]);
    // By itself it would take this: it has all that it holds.
    node.set([a, c]);
    await using run = runManyStores(node, [ahead, behind]);
    await run.heard(says("refused", ahead));
    const refused = await run.heard(says("refused", behind));
    assert.ok("message" in refused && refused.message.includes(ahead.location), "names the other");
    assert.equal((await readPointer(behind)).channels, 1);
    await run.heard(isVerdict("unsafe"));
  });

  it("an empty one is brought level before a wiped node can fill it", async () => {
    const node = new ManyStoresNode();
    const [old, fresh] = [faultyStore("old"), faultyStore("fresh")];
    await saved(node, old, [a, b]);
    node.set([c]);
    await using run = runManyStores(node, [old, fresh]);
    await run.heard(says("levelled", fresh));
    await run.heard(says("refused", fresh));
    const [was, is] = [await readPointer(old), await readPointer(fresh)];
    assert.equal(is.version.sha256, was.version.sha256);
  });

  it("an empty one gets what a restore needs besides, for funds in limbo", async () => {
    const node = new ManyStoresNode();
    const [old, fresh] = [faultyStore("old"), faultyStore("fresh")];
    await saved(node, old, [a, x]);
    node.witness.closed = [x];
    node.witness.limbo = [{ channelPoint: x, limboSat: 1_000, maturityHeight: 700 }];
    node.set([a]);
    assert.equal((await runManyStores(node, [old], { once: true }).ended) !== null, true);
    const needed = (await readPointer(old)).alsoRestore ?? [];
    assert.equal(needed.length, 1);
    await runManyStores(node, [old, fresh], { once: true }).ended;
    const [also] = (await readPointer(fresh)).alsoRestore ?? [];
    assert.equal(also?.sha256, needed[0]?.sha256);
    assert.deepEqual(also?.channelPoints, [x]);
  });

  it("one that a person has to mend keeps no other from going on", async () => {
    const node = new ManyStoresNode();
    const [good, robbed] = [faultyStore("good"), faultyStore("robbed")];
    await saved(node, robbed, [a]);
    await robbed.delete(latestKey);
    node.set([a]);
    await using run = runManyStores(node, [good, robbed]);
    const failed = await run.heard(says("failed", robbed));
    assert.ok("error" in failed && failed.error instanceof ScbError);
    assert.equal(failed.error.code, "pointer-lost");
    node.set([a, b]);
    await run.heard(holds(good, 2));
    assert.ok(!(await keysOf(robbed)).includes(latestKey), "nothing is put there");
    const verdict = await run.heard(isVerdict("unsafe"));
    assert.ok("findings" in verdict);
    const lost = verdict.findings.find(({ store }) => store === robbed.location);
    assert.equal(lost?.code, "pointer-lost");
  });

  it("ends where none is left, with why the first of them failed", async () => {
    const node = new ManyStoresNode();
    const robbed = [faultyStore("one"), faultyStore("two")];
    for (const store of robbed) {
      await saved(node, store, [a]);
      await store.delete(latestKey);
    }
    node.set([a]);
    await using run = runManyStores(node, robbed);
    await assert.rejects(run.ended, { code: "pointer-lost" });
  });

  for (const [needed, isEnough] of [
    [1, true],
    [2, false],
    ["all", false],
  ] as const) {
    it(`once is ${isEnough ? "" : "not "}done with one of two stores where ${needed} must hold it`, async () => {
      const node = new ManyStoresNode();
      const [good, denied] = [faultyStore("good"), faultyStore("denied")];
      denied.fail("put", /./, "store-denied", { times: Infinity });
      node.set([a]);
      const run = runManyStores(node, [good, denied], { requirement: needed, once: true });
      if (isEnough) assert.deepEqual(await run.ended, { last: "saved", saved: 1, of: 2 });
      else await assert.rejects(run.ended, { code: "store-denied" });
      assert.equal((await readPointer(good)).channels, 1);
    });
  }
});
