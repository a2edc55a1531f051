import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { channel, MemorySwapper, settled } from "./sub-swapper-fakes.ts";
import {
  assertStopped,
  fails,
  outPoint,
  points,
  refreshIntervalMs,
  single,
  started,
  world,
} from "./sub-swapper-world.ts";

describe("SubSwapper in an outage", () => {
  it("tries again with backoff, and folds in what happens meanwhile without asking more often", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("store-unknown");
    await w.notifier.tell([channel(2)]);
    await w.clock.advance(100);
    await w.notifier.tell([channel(3)], [outPoint(2)]);
    assert.deepEqual(w.kinds(), ["retrying", "retrying"]);
    assert.deepEqual(w.clock.sleepsMs, [200]);
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(200);
    assert.deepEqual(w.swapper.points, points(1, 3));
    assert.deepEqual(w.kinds(), ["swapped", "recovered"]);
    const last = w.events.at(-2);
    assert(last?.kind === "swapped");
    assert.equal(last.attempts, 3);
    assert.equal(last.elapsedMs, 300);
    await assertStopped(w, true);
  });

  it("never waits longer than 1.5 s, so that all is saved within 2 s of the end", async () => {
    const w = await started();
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([channel(1)]);
    for (let attempt = 0; attempt < 20; attempt++) await w.clock.advance(1_500);
    assert.deepEqual(w.clock.sleepsMs, [1_500]);
    await assertStopped(w, false);
  });

  it("piles nothing up", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("store-busy");
    const updates: Promise<void>[] = [];
    for (let round = 0; round < 300; round++) {
      await w.notifier.tell([channel(1, round)]);
      updates.push(w.subSwapper.manualUpdate([newSingle(channel(2, round))]));
    }
    const before = w.swapper.attempts;
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(10_000);
    await Promise.all(updates);
    assert.equal(w.swapper.attempts - before, 1);
    assert.deepEqual(w.swapper.singles, [newSingle(channel(1, 299)), newSingle(channel(2, 299))]);
    await assertStopped(w, true);
  });

  it("keeps a close until a swap has succeeded", async () => {
    const w = await started({ starting: [1, 2] });
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([], [outPoint(1)]);
    await w.clock.advance(100);
    await w.notifier.tell([channel(3)]);
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(200);
    assert.deepEqual(w.swapper.points, points(2, 3));
    await assertStopped(w, true);
  });

  it("does not take a close for saved by a swap that began before it", async () => {
    const w = await started({ starting: [1, 2] });
    const gate = Promise.withResolvers<void>();
    w.swapper.beforeSwap = () => gate.promise;
    await w.notifier.tell([channel(3)]);
    await w.notifier.tell([], [outPoint(1)]);
    w.swapper.beforeExtract = fails("store-busy");
    gate.resolve();
    await settled();
    assert.deepEqual(w.swapper.points, points(1, 2, 3));
    w.swapper.beforeExtract = () => undefined;
    await w.clock.advance(100);
    assert.deepEqual(w.swapper.points, points(2, 3));
    await assertStopped(w, true);
  });
});

describe("SubSwapper and other writers", () => {
  it("takes in what another has saved meanwhile, without a wait", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = () => {
      w.swapper.beforeSwap = () => undefined;
      w.swapper.hold([single(1), single(9)]);
    };
    await w.notifier.tell([channel(2)]);
    assert.deepEqual(w.swapper.points, points(1, 2, 9));
    assert.deepEqual(w.kinds(), ["swapped"]);
    await assertStopped(w, true);
  });

  it("gives way when they keep getting in each other's way", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = () => w.swapper.hold([single(1), single(9)]);
    await w.notifier.tell([channel(2)]);
    assert.deepEqual(w.kinds(), [], "another writer is no trouble");
    assert.equal(w.clock.sleepsMs.length, 1);
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(200);
    assert.deepEqual(w.swapper.points, points(1, 2, 9));
    await assertStopped(w, true);
  });
});

describe("SubSwapper refused by a guard", () => {
  it("says so, and tries again when something has changed, or is due for a refresh", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("refused");
    await w.notifier.tell([], [outPoint(1)]);
    assert.deepEqual(w.kinds(), ["refused"]);
    await w.clock.advance(refreshIntervalMs - 1);
    assert.deepEqual(w.kinds(), []);
    await w.clock.advance(1);
    assert.deepEqual(w.kinds(), ["refused"]);
    assert.deepEqual(w.swapper.points, points(1));
    w.swapper.beforeSwap = () => undefined;
    await w.notifier.tell([channel(2)]);
    assert.deepEqual(w.swapper.points, points(2), "the close was forgotten");
    await assertStopped(w, true);
  });

  it("start and manualUpdate reject, and it goes on", async () => {
    const w = world({ starting: [1] });
    w.swapper.beforeSwap = fails("refused");
    w.subSwapper.start();
    await assert.rejects(w.subSwapper.ready, { code: "refused" });
    await settled();
    await assert.rejects(w.subSwapper.manualUpdate([single(2)]), { code: "refused" });
    w.swapper.beforeSwap = () => undefined;
    await w.notifier.tell([channel(3)]);
    assert.deepEqual(w.swapper.points, points(1, 2, 3));
    await assertStopped(w, true);
  });

  it("is not saved when it stops", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("refused");
    await w.notifier.tell([channel(2)]);
    assert.equal(await w.subSwapper.stop({ graceMs: 60_000 }), false);
    await assertStopped(w, false);
  });
});

describe("SubSwapper and a failing notifier", () => {
  const lost = new ScbError("node-unavailable", "gone");
  for (const [name, error] of [
    ["ends", undefined],
    ["throws", lost],
  ] as const) {
    it(`subscribes anew when the stream ${name}`, async () => {
      const w = await started({ starting: [1, 2] });
      await w.notifier.tell([channel(3)], [outPoint(1)]);
      w.kinds();
      await w.notifier.end(error);
      assert.deepEqual(w.kinds(), ["notifier-lost"]);
      assert.equal(w.notifier.cancelled, 1);
      await w.clock.advance(100);
      assert.deepEqual(w.kinds(), ["notifier-recovered"]);
      assert.deepEqual(w.notifier.subscriptions.at(-1), points(2, 3));
      await w.notifier.tell([channel(4)]);
      assert.deepEqual(w.swapper.points, points(2, 3, 4));
      await assertStopped(w, true);
    });
  }

  it("waits longer each time", async () => {
    const w = await started();
    w.notifier.refusals = [lost, lost];
    await w.notifier.end();
    await w.clock.advance(100);
    await w.clock.advance(200);
    assert.deepEqual(w.kinds(), ["notifier-lost", "notifier-lost", "notifier-lost"]);
    await w.clock.advance(400);
    await w.notifier.end();
    assert.deepEqual(
      w.clock.sleepsMs,
      [800, refreshIntervalMs - 700],
      "nothing was heard, so it is not well",
    );
    await w.clock.advance(800);
    await w.notifier.tell([channel(1)]);
    await w.notifier.end();
    assert.equal(w.clock.sleepsMs[0], 1_600, "it told something, and ended at once");
    await w.clock.advance(1_600);
    await w.clock.advance(10_000);
    await w.notifier.end();
    assert.equal(w.clock.sleepsMs[0], 100, "it stood for a while");
    assert.equal(await w.subSwapper.stop(), true);
    assert.deepEqual(w.clock.sleepsMs, []);
  });

  it("does not subscribe again a close that is not saved yet", async () => {
    const w = await started({ starting: [1, 2] });
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([], [outPoint(1)]);
    await w.notifier.end();
    await w.clock.advance(100);
    assert.deepEqual(w.notifier.subscriptions.at(-1), points(2));
    await assertStopped(w, false);
  });
});

const fatalSwapCodes: readonly ErrorCode[] = [
  "store-denied",
  "store-no-bucket",
  "store-rejected",
  "store-lies",
  "pointer-lost",
  "pointer-damaged",
  "version-damaged",
  "wrong-node",
  "decrypt",
  "decode",
  "encode",
  "key",
  "usage",
  "caller",
  "internal",
];

describe("SubSwapper and errors that no repetition mends", () => {
  for (const code of fatalSwapCodes) {
    it(code, async () => {
      const w = await started({ starting: [1] });
      w.swapper.beforeSwap = fails(code);
      const updating = w.subSwapper.manualUpdate([single(2)]);
      await assert.rejects(updating, { code });
      const error = await w.subSwapper.ended;
      assert.equal(error?.code, code);
      assert.deepEqual(w.kinds(), ["failed"]);
      await assert.rejects(w.subSwapper.manualUpdate([single(3)]), { code });
      assert.equal(await w.subSwapper.stop(), false);
      assert.deepEqual(w.clock.sleepsMs, []);
      assert.equal(w.notifier.cancelled, 1);
    });
  }

  it("a backup that another key made fails the start", async () => {
    const w = world({ starting: [1] });
    const other = backupKeyEncrypter(new Uint8Array(32).fill(2), systemRandom);
    const foreign = new MemorySwapper(other, [single(5)]).packed;
    w.swapper.packed = foreign;
    w.subSwapper.start();
    await assert.rejects(w.subSwapper.ready, { code: "decrypt" });
    assert.equal(w.swapper.packed, foreign);
    assert.equal(await w.subSwapper.stop(), false);
  });
});

describe("a channel that no backup can hold", () => {
  const bad = channel(2, -1);

  it("does not keep the good ones beside it from being saved, and is told", async () => {
    const w = await started({ starting: [1] });
    await w.notifier.tell([channel(3), bad, channel(4)]);
    assert.deepEqual(w.kinds(), ["channel-skipped", "swapped"]);
    const told = w.events.find((event) => event.kind === "channel-skipped");
    assert(told?.kind === "channel-skipped");
    assert.equal(told.channelPoint, points(2)[0]);
    assert.equal(told.error.code, "encode");
    assert.deepEqual(w.swapper.points, points(1, 3, 4));
    assert.equal(await w.subSwapper.stop({ graceMs: 1_000 }), false, "one is not saved");
  });

  it("as a close that names no channel point, is told, and the good ones are taken in", async () => {
    const w = await started({ starting: [1, 2, 3] });
    // The same outpoint as text in another spelling is the same channel.
    await w.notifier.tell([], [...points(1).map((point) => point.toUpperCase()), "not a point"]);
    assert.deepEqual(w.kinds(), ["channel-skipped", "swapped"]);
    const told = w.events.find((event) => event.kind === "channel-skipped");
    assert(told?.kind === "channel-skipped");
    assert.equal(told.error.code, "decode");
    assert.deepEqual(w.swapper.points, points(2, 3));
    const wrong = w.subSwapper.confirmClosed([...points(2), "0:1"]);
    await assert.rejects(wrong, { code: "decode" });
    assert.deepEqual(w.swapper.points, points(2, 3), "all or none");
    assert.equal(await w.subSwapper.stop(), false, "one is not saved");
  });

  it("is saved as soon as it is reported well", async () => {
    const w = await started({ starting: [1] });
    await w.notifier.tell([bad]);
    await w.notifier.tell([channel(2)]);
    assert.deepEqual(w.swapper.points, points(1, 2));
    await assertStopped(w, true);
  });

  it("is refused to who gives it by hand, and it goes on", async () => {
    const w = await started({ starting: [1] });
    await assert.rejects(w.subSwapper.manualUpdate([single(3), newSingle(bad)]), {
      code: "encode",
    });
    await w.subSwapper.manualUpdate([single(4)]);
    assert.deepEqual(w.swapper.points, points(1, 4));
    await assertStopped(w, true);
  });
});

it("a channel is saved as it was reported, whatever its owner does to it then", async () => {
  const w = await started();
  w.swapper.beforeSwap = fails("store-busy");
  const reported = channel(1);
  await w.notifier.tell([reported]);
  reported.identityPub.fill(0);
  reported.fundingOutpoint.txid.fill(0);
  w.swapper.beforeSwap = () => undefined;
  await w.clock.advance(100);
  assert.deepEqual(w.swapper.singles, [single(1)]);
  await assertStopped(w, true);
});
