import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ChannelWithAddrs, newSingle } from "../../src/chanbackup/new-single.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { channel, settled } from "./sub-swapper-fakes.ts";
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

describe("SubSwapper refreshes at start", () => {
  it("saves the starting channels, sorted", async () => {
    const w = world({ starting: [3, 1, 2] });
    w.subSwapper.start();
    await w.subSwapper.ready;
    assert.deepEqual(w.swapper.points, points(1, 2, 3));
    assert.deepEqual(w.kinds(), ["swapped"]);
    await assertStopped(w, true);
  });

  it("saves an empty backup where there is none yet", async () => {
    const w = await started();
    assert.equal(w.swapper.packed?.length, 45);
    await assertStopped(w, true);
  });

  it("keeps what only the swapper holds, and replaces what both have", async () => {
    const w = world({ starting: [1] });
    w.swapper.hold([newSingle(channel(1, 5)), single(2)]);
    w.subSwapper.start();
    await w.subSwapper.ready;
    assert.deepEqual(w.swapper.singles, [single(1), single(2)]);
    await assertStopped(w, true);
  });

  it("makes no swap when the swapper holds the same", async () => {
    const w = world({ starting: [2, 1], held: [2, 1] });
    w.subSwapper.start();
    await w.subSwapper.ready;
    assert.deepEqual(w.kinds(), ["unchanged"]);
    assert.equal(w.swapper.attempts, 0);
    await assertStopped(w, true);
  });

  it("twice is once", async () => {
    const w = world({ starting: [1] });
    w.subSwapper.start();
    w.subSwapper.start();
    await w.subSwapper.ready;
    w.subSwapper.start();
    await settled();
    assert.equal(w.swapper.attempts, 1);
    assert.equal(w.notifier.subscriptions.length, 1);
    await assertStopped(w, true);
  });

  it("waits for an outage to end, and says why", async () => {
    const w = world({ starting: [1] });
    w.swapper.beforeExtract = fails("store-busy");
    let isUp = false;
    w.subSwapper.start();
    const starting = w.subSwapper.ready.then(() => {
      isUp = true;
    });
    await settled();
    await w.clock.advance(100);
    await w.clock.advance(200);
    assert.deepEqual(w.kinds(), ["retrying", "retrying", "retrying"]);
    assert.deepEqual(w.clock.sleepsMs, [400]);
    assert.equal(isUp, false);
    w.swapper.beforeExtract = () => undefined;
    await w.clock.advance(400);
    await starting;
    assert.deepEqual(w.kinds(), ["swapped", "recovered"]);
    await assertStopped(w, true);
  });

  it("subscribes with what it has and what the swapper holds", async () => {
    const w = await started({ starting: [1, 2], held: [2, 3] });
    assert.deepEqual(w.notifier.subscriptions, [points(1, 2, 3)]);
    await assertStopped(w, true);
  });
});

describe("SubSwapper subscribes although the first swap fails", () => {
  it("with what the swapper holds as well", async () => {
    const w = world({ starting: [1], held: [2] });
    w.swapper.beforeSwap = fails("store-busy");
    w.subSwapper.start();
    const starting = assert.rejects(w.subSwapper.ready, { code: "aborted" });
    await settled();
    assert.deepEqual(w.notifier.subscriptions, [points(1, 2)]);
    await assertStopped(w, false);
    await starting;
  });
});

describe("SubSwapper takes in what the node tells", () => {
  const cases: readonly [string, ChannelWithAddrs[], number[], Single[]][] = [
    ["an open", [channel(3)], [], [single(1), single(2), single(3)]],
    ["a close", [], [1], [single(2)]],
    ["both at once", [channel(3)], [2], [single(1), single(3)]],
    ["open and closed at once", [channel(3)], [3, 1], [single(2)]],
    ["a channel that has changed", [channel(2, 77)], [], [single(1), newSingle(channel(2, 77))]],
    ["the last close", [], [1, 2], []],
  ];
  for (const [name, opened, closed, expected] of cases) {
    it(name, async () => {
      const w = await started({ starting: [1, 2] });
      await w.notifier.tell(opened, closed.map(outPoint));
      assert.deepEqual(w.swapper.singles, expected);
      assert.deepEqual(w.kinds(), ["swapped"]);
      await assertStopped(w, true);
    });
  }

  it("an event about nothing, or of what is known, makes no swap", async () => {
    const w = await started({ starting: [1] });
    await w.notifier.tell([]);
    assert.deepEqual(w.kinds(), []);
    await w.notifier.tell([channel(1)], [outPoint(9)]);
    assert.deepEqual(w.kinds(), ["unchanged"]);
    await assertStopped(w, true);
  });

  it("a channel that closed and comes back is saved again", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([], [outPoint(1)]);
    await w.notifier.tell([channel(1, 5)]);
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(100);
    assert.deepEqual(w.swapper.singles, [newSingle(channel(1, 5))]);
    await assertStopped(w, true);
  });

  it("events while a swap is under way go into the next one, all together", async () => {
    const w = await started({ starting: [1] });
    const gate = Promise.withResolvers<void>();
    w.swapper.beforeSwap = () => gate.promise;
    await w.notifier.tell([channel(2)]);
    for (const number of [3, 4, 5]) await w.notifier.tell([channel(number)]);
    await w.notifier.tell([], [outPoint(1)]);
    assert.deepEqual(w.swapper.points, points(1));
    gate.resolve();
    await settled();
    assert.deepEqual(w.swapper.points, points(2, 3, 4, 5));
    assert.deepEqual(w.kinds(), ["swapped", "swapped"]);
    await assertStopped(w, true);
  });
});

describe("SubSwapper.manualUpdate", () => {
  it("resolves when it is saved, not before", async () => {
    const w = await started({ starting: [1] });
    const gate = Promise.withResolvers<void>();
    w.swapper.beforeSwap = () => gate.promise;
    let isSaved = false;
    const updating = w.subSwapper.manualUpdate([single(2)]).then(() => {
      isSaved = true;
    });
    await settled();
    assert.equal(isSaved, false);
    gate.resolve();
    await updating;
    assert.deepEqual(w.swapper.points, points(1, 2));
    await assertStopped(w, true);
  });

  it("is not answered by a swap that began before it", async () => {
    const w = await started({ starting: [1] });
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    w.swapper.beforeSwap = () => gates[w.swapper.attempts - 2]?.promise;
    await w.notifier.tell([channel(2)]);
    let isSaved = false;
    const updating = w.subSwapper.manualUpdate([single(3)]).then(() => {
      isSaved = true;
    });
    gates[0].resolve();
    await settled();
    assert.deepEqual(w.swapper.points, points(1, 2));
    assert.equal(isSaved, false);
    gates[1].resolve();
    await updating;
    assert.deepEqual(w.swapper.points, points(1, 2, 3));
    await assertStopped(w, true);
  });

  it("ends its wait when its signal aborts; the channels stay", async () => {
    const w = await started();
    w.swapper.beforeSwap = fails("store-busy");
    const impatient = new AbortController();
    const updating = w.subSwapper.manualUpdate([single(1)], impatient.signal);
    await settled();
    impatient.abort();
    await assert.rejects(updating, { code: "aborted" });
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(100);
    assert.deepEqual(w.swapper.points, points(1));
    await assertStopped(w, true);
  });

  it("rejects before the start and after the stop", async () => {
    const w = world();
    await assert.rejects(w.subSwapper.manualUpdate([single(1)]), { code: "usage" });
    w.subSwapper.start();
    await w.subSwapper.ready;
    await w.subSwapper.stop();
    await assert.rejects(w.subSwapper.manualUpdate([single(1)]), { code: "aborted" });
  });
});

describe("SubSwapper refreshes after a while without a swap", () => {
  it("and saves anew what is right, so that its age shows that it is looked after", async () => {
    const w = await started({ starting: [1] });
    await w.clock.advance(refreshIntervalMs - 1);
    assert.equal(w.swapper.extracts, 1);
    await w.clock.advance(1);
    assert.equal(w.swapper.extracts, 2);
    const last = w.events.at(-1);
    assert(last?.kind === "swapped" && last.reason === "refresh");
    assert.equal(w.swapper.attempts, 2);
    await assertStopped(w, true);
  });

  it("and mends what is not", async () => {
    const w = await started({ starting: [1, 2] });
    w.swapper.hold([single(2)]);
    await w.clock.advance(refreshIntervalMs);
    assert.deepEqual(w.swapper.points, points(1, 2));
    const last = w.events.at(-1);
    assert(last?.kind === "swapped" && last.reason === "refresh");
    await assertStopped(w, true);
  });

  it("and a failed refresh leaves the state saved", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeExtract = fails("store-busy");
    await w.clock.advance(refreshIntervalMs);
    assert.deepEqual(w.kinds(), ["retrying"]);
    assert.equal(await w.subSwapper.stop({ graceMs: 60_000 }), true);
    await assertStopped(w, true);
  });
});

describe("SubSwapper.stop", () => {
  it("while it waits for the next attempt: at once, and not saved", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([channel(2)]);
    const updating = assert.rejects(w.subSwapper.manualUpdate([single(3)]), { code: "aborted" });
    await assertStopped(w, false);
    await updating;
    assert.equal(w.swapper.attempts, 2);
  });

  it("with a grace: tries once more at once, and goes on until it is saved", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([channel(2)]);
    const stopping = w.subSwapper.stop({ graceMs: 60_000 });
    await settled();
    assert.deepEqual(w.kinds(), ["retrying", "retrying"]);
    w.swapper.beforeSwap = () => undefined;
    await w.clock.advance(200);
    assert.equal(await stopping, true);
    assert.deepEqual(w.swapper.points, points(1, 2));
    await assertStopped(w, true);
  });

  it("with a grace: until that is over", async () => {
    const w = await started({ starting: [1] });
    w.swapper.beforeSwap = fails("store-busy");
    await w.notifier.tell([channel(2)]);
    const stopping = w.subSwapper.stop({ graceMs: 1_000 });
    await settled();
    await w.clock.advance(999);
    assert.equal(w.kinds().includes("failed"), false);
    await w.clock.advance(1);
    assert.equal(await stopping, false);
    await assertStopped(w, false);
  });

  for (const [name, finishes] of [
    ["finishes", true],
    ["abandons", false],
  ] as const) {
    it(`${name} a swap that is under way`, async () => {
      const w = await started({ starting: [1] });
      const gate = Promise.withResolvers<void>();
      w.swapper.beforeSwap = (signal) => {
        signal?.addEventListener("abort", () => gate.reject(new ScbError("aborted", "told so")));
        return gate.promise;
      };
      await w.notifier.tell([channel(2)]);
      const stopping = w.subSwapper.stop({ graceMs: finishes ? 60_000 : 0 });
      await settled();
      gate.resolve();
      assert.equal(await stopping, finishes);
      assert.deepEqual(w.swapper.points, finishes ? points(1, 2) : points(1));
      await assertStopped(w, finishes);
    });
  }

  it("does not wait for a notifier that is silent and does not heed its cancel", async () => {
    const it = world();
    const { promise: never } = Promise.withResolvers<never>();
    it.notifier.subscribeChans = async () => ({
      chanUpdates: { [Symbol.asyncIterator]: () => ({ next: () => never }) },
      cancel: () => undefined,
    });
    it.subSwapper.start();
    await it.subSwapper.ready;
    const stopped = it.subSwapper.stop();
    assert.equal(await Promise.race([stopped, settled().then(() => "it waits")]), true);
  });

  it("before the start", async () => {
    const w = world({ starting: [1] });
    assert.equal(await w.subSwapper.stop(), false);
    assert.throws(() => w.subSwapper.start(), { code: "aborted" });
    await assert.rejects(w.subSwapper.ready, { code: "aborted" });
    assert.equal(w.swapper.extracts, 0);
  });

  it("during the start", async () => {
    const w = world({ starting: [1] });
    w.swapper.beforeExtract = fails("store-busy");
    w.subSwapper.start();
    const starting = assert.rejects(w.subSwapper.ready, { code: "aborted" });
    await settled();
    await assertStopped(w, false);
    await starting;
  });
});
