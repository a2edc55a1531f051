import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Engine, type EngineOptions } from "../../src/chanbackup/engine.ts";
import type { EngineEvent } from "../../src/chanbackup/engine-events.ts";
import { Freshness, type HeldBackup } from "../../src/chanbackup/freshness.ts";
import type { LookDepth, LookOutcome } from "../../src/chanbackup/look.ts";
import { isPassing } from "../../src/chanbackup/retry-policy.ts";
import { isNews } from "../../src/chanbackup/snapshot.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { ManualClock, settled } from "./sub-swapper-fakes.ts";

type Options = EngineOptions<object, object>;
type Event = EngineEvent<object, object>;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const lost = new ScbError("version-damaged", "gone");
const away = new ScbError("store-busy", "away");

/** An engine over a swapper that holds a number; what it saves is `state`. */
function setUp({ clock, ...options }: Omit<Partial<Options>, "clock"> & { readonly clock: Clock }) {
  const w = {
    state: 1,
    held: 0,
    attempts: 0,
    looks: [] as LookDepth[],
    /** What a look answers, or throws. */
    found: { kind: "confirmed" } as LookOutcome | ScbError,
    events: [] as Event[],
    stop: new AbortController(),
    abort: new AbortController(),
    kinds: () =>
      w.events
        .splice(0)
        .map(({ kind }) => kind)
        .filter((kind) => kind !== "confirmed"),
    run: () => engine.run(w.stop.signal, w.abort.signal),
    mark: (reason: "channel-event" | "follow-up") => engine.mark(reason),
    lookSoon: () => engine.lookSoon(),
    take: () => engine.take(),
    isGoodEnough: (held: HeldBackup) => engine.isGoodEnough(held),
  };
  const engine: Engine<object, object> = new Engine<object, object>({
    refreshIntervalMs: 100 * hourMs,
    attempt: async () => {
      w.attempts += 1;
      const due = engine.take();
      const { state } = w;
      if (w.held === state && engine.isGoodEnough({ id: String(state), savedAt: clock.now() })) {
        return { kind: "unchanged", due, held: null, facts: {} };
      }
      w.held = state;
      return { kind: "swapped", due, id: null, facts: {} };
    },
    canPass: isPassing,
    isUnsaved: isNews,
    listen: async (signal) => {
      engine.mark("start");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    look: async (depth) => {
      w.looks.push(depth);
      if (w.found instanceof ScbError) throw w.found;
      return w.found;
    },
    observe: (event) => w.events.push(event),
    clock,
    random: { bytes: () => new Uint8Array(), unit: () => 1 },
    ...options,
  });
  return w;
}

async function started(options: Omit<Partial<Options>, "clock"> = {}) {
  const clock = new ManualClock();
  const w = Object.assign(setUp({ clock, ...options }), { clock });
  const running = w.run();
  await settled();
  return Object.assign(w, { running });
}

describe("an engine that has nothing to do looks at what it saved", () => {
  it("reads the version after a swap's first quiet moment, and the pointer every five minutes", async () => {
    const w = await started();
    await w.clock.advance(1_999);
    assert.deepEqual(w.looks, []);
    await w.clock.advance(1);
    assert.deepEqual(w.looks, ["version"]);
    await w.clock.advance(5 * minuteMs - 1);
    assert.deepEqual(w.looks, ["version"]);
    await w.clock.advance(1);
    assert.deepEqual(w.looks, ["version", "pointer"]);
    w.stop.abort();
    await w.running;
  });

  it("waits with the version until the burst is over", async () => {
    const w = await started();
    for (let n = 0; n < 5; n += 1) {
      await w.clock.advance(1_500);
      w.state += 1;
      w.mark("channel-event");
      await settled();
    }
    assert.deepEqual(w.looks, []);
    await w.clock.advance(2_000);
    assert.deepEqual(w.looks, ["version"]);
    w.stop.abort();
    await w.running;
  });

  it("reads the version at least once an hour, and fewer than 10,000 objects a month", async () => {
    const w = await started();
    for (let n = 0; n < 24 * 60; n += 1) await w.clock.advance(minuteMs);
    const versions = w.looks.filter((depth) => depth === "version").length;
    assert.ok(versions >= 24 && versions <= 26, `${versions} versions`);
    // A look at the version reads the pointer too.
    assert.ok((w.looks.length + versions) * 30 < 10_000, `${w.looks.length} looks a day`);
    w.stop.abort();
    await w.running;
  });

  it("reads the version back when it is asked to, once", async () => {
    const w = await started();
    await w.clock.advance(2_000);
    w.looks.splice(0);
    await w.clock.advance(minuteMs);
    w.lookSoon();
    await settled();
    assert.deepEqual(w.looks, ["version"]);
    await w.clock.advance(minuteMs);
    assert.deepEqual(w.looks, ["version"]);
    w.stop.abort();
    await w.running;
  });

  it("is asked in a burst too, and not over and over by a store that is away", async () => {
    const w = await started();
    w.lookSoon();
    await settled();
    assert.deepEqual(w.looks, ["version"], "though the first quiet moment is yet to come");
    w.looks.splice(0);
    w.found = away;
    w.lookSoon();
    await settled();
    assert.equal(w.looks.length, 1);
    w.found = { kind: "confirmed" };
    w.stop.abort();
    await settled();
    await w.clock.advance(2_000);
    await w.running;
  });

  it("saves anew what is lost, and says so first", async () => {
    const w = await started();
    w.kinds();
    w.found = { kind: "save-anew", error: lost };
    await w.clock.advance(2_000);
    assert.deepEqual(w.kinds(), ["lost", "swapped"], "'unchanged' would be no answer");
    assert.equal(w.attempts, 2);
    w.found = { kind: "confirmed" };
    w.stop.abort();
    await settled();
    await w.clock.advance(100);
    await w.running;
  });

  it("writes ever less often to a store that loses all", async () => {
    const w = await started();
    w.found = { kind: "save-anew", error: lost };
    for (let n = 0; n < 60; n += 1) await w.clock.advance(minuteMs);
    assert.ok(w.attempts > 12 && w.attempts < 25, `${w.attempts} attempts`);
    w.abort.abort();
    await assert.rejects(w.running, { code: "aborted" });
  });

  it("tells once that it can't look, and that it can again", async () => {
    const w = await started();
    w.kinds();
    w.found = away;
    await w.clock.advance(2_000);
    for (let n = 0; n < 10; n += 1) await w.clock.advance(1_500);
    assert.deepEqual(w.kinds(), ["retrying"]);
    assert.ok(w.looks.length > 5, `${w.looks.length} looks`);
    w.found = { kind: "confirmed" };
    await w.clock.advance(1_500);
    assert.deepEqual(w.kinds(), ["recovered"]);
    w.stop.abort();
    await w.running;
  });

  it("doesn't let a look hold up a change", async () => {
    const w = await started({ look: () => new Promise(() => undefined) });
    await w.clock.advance(2_000);
    w.state += 1;
    w.mark("channel-event");
    await settled();
    assert.equal(w.held, 2);
    w.abort.abort();
    await assert.rejects(w.running, { code: "aborted" });
  });

  it("saves again when another writer has replaced what it saved", async () => {
    const w = await started();
    w.found = new ScbError("superseded", "another was here");
    await w.clock.advance(2_000);
    assert.equal(w.attempts, 2);
    w.found = { kind: "confirmed" };
    w.stop.abort();
    await w.running;
  });

  it("ends with what no time can heal", async () => {
    const w = await started();
    w.found = new ScbError("pointer-lost", "who took it?");
    const ended = assert.rejects(w.running, { code: "pointer-lost" });
    await w.clock.advance(2_000);
    await ended;
  });
});

describe("an engine that is stopped", () => {
  it("reads back what it calls saved", async () => {
    const w = await started();
    w.stop.abort();
    await w.running;
    assert.deepEqual(w.looks, ["version"]);
  });

  it("saves anew what is lost, reads that back too, and only then ends", async () => {
    const w = await started();
    w.kinds();
    w.found = { kind: "save-anew", error: lost };
    w.stop.abort();
    await settled();
    assert.deepEqual(w.kinds(), ["lost", "swapped"]);
    w.found = { kind: "confirmed" };
    await w.clock.advance(100);
    await w.running;
    assert.deepEqual(w.looks, ["version", "version"]);
  });

  it("doesn't end well while what it saved can't be read", async () => {
    const w = await started();
    w.found = away;
    w.stop.abort();
    const ended = assert.rejects(w.running, { code: "aborted", message: "gave up: away" });
    for (let n = 0; n < 5; n += 1) await w.clock.advance(1_500);
    assert.ok(w.looks.length > 2, `${w.looks.length} looks`);
    w.abort.abort();
    await ended;
  });

  it("ends although the attempt under way never does", async () => {
    const w = await started({ attempt: () => new Promise(() => undefined) });
    w.mark("channel-event");
    w.stop.abort();
    await settled();
    w.abort.abort();
    await assert.rejects(w.running, { code: "aborted" });
  });

  it("doesn't end well if it is cut short before it has read back what it saved", async () => {
    const w = setUp({
      clock: new ManualClock(),
      attempt: async () => {
        w.attempts += 1;
        if (w.attempts > 1) return new Promise(() => undefined);
        return { kind: "swapped", due: w.take(), id: null, facts: {} };
      },
    });
    const running = w.run();
    await settled();
    assert.deepEqual(w.kinds(), ["swapped"]);
    w.mark("follow-up");
    w.stop.abort();
    await settled();
    w.abort.abort();
    await assert.rejects(running, { code: "aborted" });
  });

  it("saves what was told in the same moment", async () => {
    const w = await started();
    w.state += 1;
    w.stop.abort();
    await Promise.resolve().then(() => w.mark("channel-event"));
    await w.running;
    assert.equal(w.held, 2);
  });
});

describe("an observer that fails", () => {
  const failing: readonly [string, Options["observe"]][] = [
    [
      "throws",
      () => {
        throw new TypeError("a defect of its own");
      },
    ],
    ["rejects", async () => Promise.reject(new TypeError("a defect of its own"))],
  ];
  for (const [name, observe] of failing) {
    it(`neither ends nor hangs the engine: it ${name}`, async () => {
      const warned = new Promise((resolve) => process.once("warning", resolve));
      const w = await started({ observe });
      w.state += 1;
      w.mark("channel-event");
      await settled();
      assert.equal(w.held, 2);
      assert.match(String(await warned), /a defect of its own/);
      w.stop.abort();
      await w.running;
    });
  }
});

describe("the times of an engine", () => {
  const times = ["refreshIntervalMs", "minIntervalMs", "lookIntervalMs", "quietMs"] as const;
  for (const name of times) {
    for (const ms of [-1, Number.NaN, Infinity]) {
      it(`${name} can't be ${ms}`, () => {
        assert.throws(() => setUp({ clock: systemClock, [name]: ms }), {
          code: "usage",
          message: new RegExp(name),
        });
      });
    }
  }

  it("a refresh at every moment is none, and a look may come every second at most", () => {
    assert.throws(() => setUp({ clock: systemClock, refreshIntervalMs: 0 }), { code: "usage" });
    assert.throws(() => setUp({ clock: systemClock, lookIntervalMs: 999 }), { code: "usage" });
  });

  for (const days of [30, 400]) {
    it(`${days} days are waited for`, async () => {
      const ms = days * 24 * hourMs;
      const times = { refreshIntervalMs: ms, lookIntervalMs: ms, versionLookIntervalMs: ms };
      const w = setUp({ clock: systemClock, ...times, quietMs: ms });
      const running = w.run();
      await delay(50);
      assert.deepEqual(w.kinds(), ["swapped"]);
      assert.deepEqual(w.looks, []);
      w.stop.abort();
      await running;
    });
  }
});

it("a refresh counts from when the saved backup was made, not from this process's start", async () => {
  const clock = new ManualClock();
  await clock.advance(50 * hourMs);
  const w = setUp({
    clock,
    refreshIntervalMs: 12 * hourMs,
    attempt: async () => {
      w.attempts += 1;
      const due = w.take();
      const held = { id: "before", savedAt: clock.now() - 11 * hourMs };
      if (w.attempts === 1) return { kind: "unchanged", due, held, facts: {} };
      return { kind: "swapped", due, id: null, facts: {} };
    },
  });
  const running = w.run();
  await settled();
  assert.deepEqual(w.kinds(), ["unchanged"]);
  await clock.advance(hourMs);
  assert.ok(w.kinds().includes("swapped"));
  w.stop.abort();
  await running;
});

it("another's backup is not older than we know, whatever its writer's clock says", async () => {
  const clock = new ManualClock();
  await clock.advance(1_000 * hourMs);
  const freshness = new Freshness(clock);
  freshness.saved("ours");
  await clock.advance(hourMs);
  for (const offMs of [-500 * hourMs, 500 * hourMs]) {
    assert.equal(freshness.ageMs({ id: "theirs", savedAt: clock.now() + offMs }), hourMs);
  }
  freshness.see({ id: "theirs", savedAt: clock.now() - 500 * hourMs });
  assert.equal(freshness.ageMs(null), hourMs);
  await clock.advance(hourMs);
  assert.equal(freshness.ageMs(null), 2 * hourMs);
});

it("before anything is known, a time in the future is wrong, not young", async () => {
  const freshness = new Freshness(new ManualClock());
  assert.equal(freshness.ageMs({ id: "theirs", savedAt: 500 * hourMs }), 500 * hourMs);
});

it("a clock that was ahead at a swap puts the refresh off by nothing", async () => {
  const clock = new ManualClock();
  await clock.advance(50 * hourMs);
  let aheadMs = 0;
  let savedAt = 0;
  const skewed: Clock = {
    now: () => clock.now() + aheadMs,
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
  const w = setUp({
    clock: skewed,
    refreshIntervalMs: 12 * hourMs,
    attempt: async () => {
      const due = w.take();
      // The store's clock, which was right, says when it was saved.
      const held = { id: String(savedAt), savedAt };
      if (savedAt > 0 && w.isGoodEnough(held)) return { kind: "unchanged", due, held, facts: {} };
      savedAt = clock.now();
      return { kind: "swapped", due, id: String(savedAt), facts: {} };
    },
  });
  aheadMs = 2 * 365 * 24 * hourMs;
  const running = w.run();
  await settled();
  const firstSavedAt = savedAt;
  aheadMs = 0;
  await clock.advance(4 * hourMs);
  assert.equal(savedAt, firstSavedAt);
  await clock.advance(8 * hourMs);
  assert.equal(savedAt, firstSavedAt + 12 * hourMs);
  w.stop.abort();
  await running;
});

it("a refresh that finds another's backup, almost due itself, doesn't put the next one off", async () => {
  const clock = new ManualClock();
  await clock.advance(50 * hourMs);
  const w = setUp({
    clock,
    refreshIntervalMs: 12 * hourMs,
    attempt: async () => {
      w.attempts += 1;
      const due = w.take();
      const held = { id: "theirs", savedAt: clock.now() - 11 * hourMs };
      if (w.attempts === 2) return { kind: "unchanged", due, held, facts: {} };
      return { kind: "swapped", due, id: String(w.attempts), facts: {} };
    },
  });
  const running = w.run();
  await settled();
  await clock.advance(12 * hourMs);
  assert.equal(w.attempts, 2);
  await clock.advance(hourMs);
  assert.equal(w.attempts, 3);
  w.stop.abort();
  await running;
});
