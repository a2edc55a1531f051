import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import type { Guard } from "../../src/mirror/guard.ts";
import { MirrorEngine } from "../../src/mirror/mirror-engine.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  keysOf,
  makeSwapper,
  packedBytes,
  readPointer,
  swapOnce,
} from "../support/mirror-fixture.ts";
import { ScriptedSource } from "../support/scripted-source.ts";

/** A running engine over a store that can be made to fail, and all that it told. */
function setUp({
  clock = hastyClock(),
  refreshIntervalMs = 3_600_000,
  guards,
}: {
  clock?: Clock;
  refreshIntervalMs?: number;
  guards?: readonly Guard[];
} = {}) {
  const store = new FaultyStore(new MemoryStore());
  const source = new ScriptedSource();
  const events: MirrorEvent[] = [];
  let heard: () => void = () => undefined;
  const engine = new MirrorEngine({
    source,
    swapper: makeSwapper(store, { clock, ...(guards && { guards }) }),
    refreshIntervalMs,
    observe: (event) => {
      events.push(event);
      heard();
    },
    clock,
    random: systemRandom,
  });
  const stop = new AbortController();
  const abort = new AbortController();
  /** Resolves when `count` events of this kind have been told. */
  const told = async (kind: MirrorEvent["kind"], count = 1): Promise<MirrorEvent> => {
    for (;;) {
      const found = events.filter((event) => event.kind === kind);
      const last = found[count - 1];
      if (last !== undefined) return last;
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  return {
    store,
    source,
    events,
    engine,
    stop,
    abort,
    told,
    run: () => engine.run(stop.signal, abort.signal),
  };
}

async function assertCurrent(store: FaultyStore, packed: Uint8Array): Promise<void> {
  const pointer = await readPointer(store);
  assert.deepEqual((await store.get(pointer.version.key))?.bytes, packed);
}

describe("MirrorEngine", { timeout: 20_000 }, () => {
  it("saves each change, and stops when all is saved", async () => {
    const { store, source, stop, told, run } = setUp();
    const running = run();
    source.tell("start");
    await told("swapped");
    const last = source.change();
    await told("swapped", 2);
    stop.abort();
    await running;
    await assertCurrent(store, last);
  });

  it("makes a handful of swaps of a burst, and ends with the last state", async () => {
    const { store, source, events, stop, run } = setUp();
    const running = run();
    store.before = async ({ verb }) => {
      if (verb === "put") await setTimeout(5);
    };
    let last = source.packed;
    for (let change = 0; change < 100; change += 1) {
      last = source.change();
      await setTimeout(0);
    }
    stop.abort();
    await running;
    await assertCurrent(store, last);
    assert.ok(events.filter(({ kind }) => kind === "swapped").length < 50);
  });

  it("tries until the store is back, then saves the newest state and says recovered", async () => {
    const { store, source, events, stop, told, run } = setUp();
    const running = run();
    source.tell("start");
    await told("swapped");
    store.fail("put", /./, "store-busy", { times: 20 });
    store.fail("get", /./, "store-unknown", { times: 3 });
    source.change();
    await told("retrying", 5);
    const last = source.change();
    await told("recovered");
    store.faults.length = 0;
    stop.abort();
    await running;
    await assertCurrent(store, last);
    assert.equal(events.filter(({ kind }) => kind === "recovered").length, 1);
  });

  it("does not forget that channels changed when something lesser comes while it tries again", async () => {
    const { store, source, stop, told, run } = setUp();
    // Same channels, same size: only the event says that what is in it is new.
    source.channelPoints = ["aa:0"];
    const running = run();
    source.tell("start");
    await told("swapped");
    store.fail("put", /./, "store-busy", { times: 4 });
    const last = source.change("channel-event");
    await told("retrying", 2);
    source.tell("follow-up");
    await told("recovered");
    stop.abort();
    await running;
    await assertCurrent(store, last);
  });

  it("saves the snapshot that it holds though the node has gone meanwhile", async () => {
    const { store, source, stop, told, run } = setUp();
    const running = run();
    source.tell("start");
    await told("swapped");
    store.fail("put", /^latest/, "store-busy", { times: 6 });
    const last = source.change();
    await told("retrying", 2);
    source.failure = new ScbError("node-unavailable", "gone");
    source.tell("follow-up");
    await told("swapped", 2);
    await assertCurrent(store, last);
    source.failure = null;
    stop.abort();
    await running;
  });

  it("takes a new snapshot when another writer was first", async () => {
    const { store, source, stop, told, run } = setUp();
    const running = run();
    source.tell("start");
    await told("swapped");
    const other = makeSwapper(store);
    await swapOnce(other);
    const before = source.snapshots;
    const last = source.change();
    await told("swapped", 2);
    assert.equal(source.snapshots, before + 2);
    stop.abort();
    await running;
    await assertCurrent(store, last);
    assert.equal((await readPointer(store)).sequence, 3);
  });

  it("waits for the next change after a refusal, and saves that", async () => {
    const { store, source, stop, told, run } = setUp();
    const running = run();
    source.tell("start");
    await told("swapped");
    source.packed = packedBytes(45);
    source.tell("channel-event");
    await told("refused");
    const last = source.change();
    await told("swapped", 2);
    stop.abort();
    await running;
    await assertCurrent(store, last);
  });

  it("tries again to keep what it refused, until whoever looks can see it", async () => {
    const { store, source, stop, told, run } = setUp();
    const running = run();
    source.tell("start");
    await told("swapped");
    store.fail("put", /^quarantine/, "store-busy", { times: 3 });
    source.packed = packedBytes(45);
    source.tell("channel-event");
    const kept = await told("refused", 4);
    assert.ok(kept.kind === "refused" && kept.quarantineKey !== null);
    stop.abort();
    await running;
    assert.equal((await keysOf(store, "quarantine/")).length, 2);
  });

  it("commits nothing that a guard cannot judge yet, and the last of it as soon as it can", async () => {
    let isAway = false;
    const guard: Guard = async () => {
      if (isAway) throw new ScbError("node-unavailable", "nobody to ask");
      return null;
    };
    const { store, source, stop, told, run } = setUp({ guards: [guard] });
    const running = run();
    source.tell("start");
    await told("swapped");
    isAway = true;
    source.change();
    await told("retrying", 2);
    assert.equal((await readPointer(store)).sequence, 1);
    assert.deepEqual(await keysOf(store, "quarantine/"), []);
    const last = source.change("file-changed");
    isAway = false;
    await told("swapped", 2);
    stop.abort();
    await running;
    await assertCurrent(store, last);
  });

  it("does not forget what a guard could not judge, when an older state is saved meanwhile", async () => {
    let isAway = false;
    const guard: Guard = async () => {
      if (isAway) throw new ScbError("node-unavailable", "nobody to ask");
      return null;
    };
    const { store, source, stop, told, run } = setUp({ guards: [guard] });
    store.fail("put", /^versions/, "store-busy");
    let last = source.packed;
    store.before = ({ verb }) => {
      if (verb !== "put" || isAway) return;
      store.before = () => undefined;
      // The first state is on its way.
      isAway = true;
      last = source.change();
    };
    const running = run();
    source.tell("start");
    await told("swapped");
    isAway = false;
    await told("swapped", 2);
    stop.abort();
    await running;
    await assertCurrent(store, last);
  });

  it("saves what it saved before, after a refusal, to show that it is over", async () => {
    const { source, stop, told, run } = setUp();
    const running = run();
    const good = source.packed;
    source.tell("start");
    await told("swapped");
    source.packed = packedBytes(45);
    source.tell("channel-event");
    await told("refused");
    source.packed = good;
    source.tell("reconnected");
    await told("swapped", 2);
    stop.abort();
    await running;
  });

  it("does not stop while a channel event waits behind a failing snapshot", async () => {
    const { source, stop, abort, told, run } = setUp();
    const running = run();
    source.failure = new ScbError("node-unavailable", "gone");
    const snapshot = source.snapshot.bind(source);
    source.snapshot = async (reason) => {
      if (reason === "follow-up") {
        source.tell("channel-event");
        await setTimeout(5);
        stop.abort();
      }
      return snapshot(reason);
    };
    source.tell("follow-up");
    await told("retrying", 2);
    abort.abort();
    await assert.rejects(running, { code: "aborted" });
  });

  it("keeps to the refresh interval, though each swap takes its time", async () => {
    const refreshIntervalMs = 400;
    const { store, source, stop, told, run } = setUp({ clock: systemClock, refreshIntervalMs });
    store.before = async ({ verb }) => {
      if (verb === "put") await setTimeout(15);
    };
    const running = run();
    source.tell("start");
    await told("swapped");
    const startedMs = performance.now();
    await told("swapped", 5);
    // Were every second refresh skipped, it would take eight intervals.
    assert.ok(performance.now() - startedMs < 6.5 * refreshIntervalMs);
    stop.abort();
    await running;
  });

  it("refreshes in time though the wall clock was set back", async () => {
    const steady = hastyClock({ longMs: 1e9 });
    let skewMs = 0;
    const { source, stop, told, run } = setUp({
      clock: { ...steady, now: () => steady.now() + skewMs },
      refreshIntervalMs: 50_000,
    });
    const running = run();
    source.channelPoints = ["aa:0"];
    source.tell("start");
    await told("swapped");
    skewMs = -40 * 24 * 3_600_000;
    await told("swapped", 2);
    stop.abort();
    await running;
  });

  it("refreshes in time though the wall clock was set back during a swap, and then forth", async () => {
    let skewMs = 0;
    const { store, source, events, stop, told, run } = setUp({
      clock: { ...systemClock, now: () => systemClock.now() + skewMs },
      refreshIntervalMs: 400,
    });
    store.before = async ({ verb, key }) => {
      if (verb !== "put" || key !== "latest.json") return;
      if (skewMs === 0) skewMs = -300;
      await setTimeout(60);
    };
    const running = run();
    source.tell("start");
    await told("swapped");
    skewMs += 100;
    await told("swapped", 2);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["swapped", "swapped"],
    );
    stop.abort();
    await running;
  });

  it("does not say that the store holds a state whose pointer is gone", async () => {
    const { store, source, told, run } = setUp();
    const running = run();
    source.channelPoints = ["aa:0"];
    source.tell("start");
    await told("swapped");
    source.tell("follow-up");
    await told("unchanged");
    await store.delete("latest.json");
    source.tell("follow-up");
    await assert.rejects(running, { code: "pointer-lost" });
  });

  it("reads back one pointer and one version before it says 'unchanged'", async () => {
    const { store, source, stop, told, run } = setUp();
    const running = run();
    source.channelPoints = ["aa:0"];
    source.tell("start");
    await told("swapped");
    await told("confirmed");
    store.calls.length = 0;
    source.tell("follow-up");
    await told("unchanged");
    const { version } = await readPointer(store);
    const calls = store.calls.map(({ verb, key }) => `${verb} ${key}`).slice(0, 2);
    assert.deepEqual(calls, ["get latest.json", `get ${version.key}`]);
    stop.abort();
    await running;
  });

  it("saves anew at each refresh, though nothing changed", async () => {
    const { store, source, stop, told, run } = setUp({
      clock: hastyClock({ longMs: 1e9 }),
      refreshIntervalMs: 50_000,
    });
    const running = run();
    source.tell("start");
    await told("swapped", 3);
    stop.abort();
    await running;
    const pointer = await readPointer(store);
    assert.equal(pointer.previous?.sha256, pointer.version.sha256);
  });

  it("throws what no time can heal", async () => {
    const { store, source, run } = setUp();
    store.fail("put", /^versions/, "store-denied");
    source.tell("start");
    await assert.rejects(run(), { code: "store-denied" });
  });

  it("throws when the time to stop is over with a state not saved", async () => {
    const { store, source, stop, abort, told, run } = setUp();
    const running = run();
    store.fail("put", /./, "store-busy", { times: 1e9 });
    source.change();
    await told("retrying");
    stop.abort();
    await told("retrying", 3);
    abort.abort();
    await assert.rejects(running, { code: "aborted" });
  });

  it("stops at once when only a refresh of an unreachable node is due", async () => {
    const { source, stop, told, run } = setUp();
    const running = run();
    source.failure = new ScbError("node-unavailable", "gone");
    source.tell("refresh");
    await told("retrying");
    stop.abort();
    await running;
  });

  it("throws when the source ends in an error", async () => {
    const { source, run } = setUp();
    source.changes = async function* () {
      yield "start";
      throw new ScbError("node-denied", "the macaroon was revoked");
    };
    await assert.rejects(run(), { code: "node-denied" });
  });
});

describe("MirrorEngine.once", () => {
  const points = ["aa:0", "bb:1"];
  const unchanged = [
    { name: "the same bytes", again: (source: ScriptedSource) => source.packed },
    { name: "the same channels in other bytes of one size", again: () => packedBytes() },
  ];
  for (const { name, again } of unchanged) {
    it(`makes no swap for ${name}`, async () => {
      const { store, source, events, engine, abort } = setUp();
      source.channelPoints = points;
      await engine.once(abort.signal);
      source.packed = again(source);
      await engine.once(abort.signal);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ["swapped", "confirmed", "unchanged"],
      );
      assert.equal((await keysOf(store, "versions/")).length, 1);
    });
  }

  const changed = [
    {
      name: "other channels",
      change: (source: ScriptedSource) => {
        source.channelPoints = ["aa:0"];
      },
    },
    {
      name: "the same channels, but poorer",
      change: (source: ScriptedSource) => {
        source.packed = packedBytes(500);
      },
    },
    {
      name: "unknown channels in other bytes",
      change: (source: ScriptedSource) => {
        source.channelPoints = null;
      },
    },
  ];
  for (const { name, change } of changed) {
    it(`makes a swap for ${name}`, async () => {
      const { source, events, engine, abort } = setUp();
      source.channelPoints = points;
      await engine.once(abort.signal);
      source.packed = packedBytes();
      change(source);
      await engine.once(abort.signal);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ["swapped", "confirmed", "swapped", "confirmed"],
      );
    });
  }

  it("does not wait for a node that is away", async () => {
    const { source, engine, abort } = setUp();
    source.failure = new ScbError("node-unavailable", "gone");
    await assert.rejects(engine.once(abort.signal), { code: "node-unavailable" });
  });

  it("throws a refusal", async () => {
    const { source, engine, abort } = setUp();
    await engine.once(abort.signal);
    source.packed = packedBytes(45);
    await assert.rejects(engine.once(abort.signal), { code: "refused" });
  });

  it("says what it waited for when its time is over", async () => {
    const { store, engine, abort } = setUp();
    store.fail("put", /./, "store-busy", { times: 1e9 });
    const attempt = engine.once(abort.signal);
    setImmediate(() => abort.abort());
    await assert.rejects(attempt, { code: "aborted", message: /injected store-busy/ });
  });
});
