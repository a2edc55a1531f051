import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { drillWhile } from "../../src/app/drill-schedule.ts";
import { singleVersions } from "../../src/chanbackup/single.ts";
import type { DrillReport } from "../../src/checks/drill/drill-report.ts";
import { readLastDrill, recordDrill } from "../../src/repository/drill-record.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { DrillWorld, drillKey, singleOf } from "../support/drill-world.ts";
import { hastyClock } from "../support/hasty-clock.ts";

const hourMs = 3_600_000;
const weekMs = 7 * 24 * hourMs;
const single = singleOf(singleVersions.simpleTaproot);

/** Runs a schedule until `count` drills were told, on a clock whose waits take no time. */
async function drills(
  world: DrillWorld,
  count: number,
  {
    clock = hastyClock({ longMs: Number.POSITIVE_INFINITY }),
    ...change
  }: Partial<Parameters<typeof drillWhile>[1]> = {},
): Promise<{ report: DrillReport; at: number }[]> {
  const told: { report: DrillReport; at: number }[] = [];
  const enough = Promise.withResolvers<void>();
  await drillWhile(() => enough.promise, {
    store: world.store,
    node: "alice",
    openers: { encrypter: drillKey },
    intervalMs: weekMs,
    maxAgeMs: 100 * weekMs,
    observe: (report) => {
      told.push({ report, at: clock.now() });
      if (told.length >= count) enough.resolve();
    },
    signal: new AbortController().signal,
    clock,
    random: systemRandom,
    logger: silentLogger,
    ...change,
  });
  return told;
}

function clockAt(startMs: number): Clock {
  return hastyClock({ longMs: Number.POSITIVE_INFINITY, startMs });
}

describe("drills on a schedule", () => {
  const startMs = Date.UTC(2026, 0, 1);

  it("are done once a minute after the start, and then at each interval", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    const told = await drills(world, 3);
    assert.deepEqual(
      told.map(({ at }) => at - startMs),
      [60_000, 60_000 + weekMs, 60_000 + 2 * weekMs],
    );
    assert.ok(told.every(({ report }) => report.ok));
  });

  it("count from the last one that the store knows of, whoever did it", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    await drills(world, 1);
    const [next] = await drills(world, 1, { clock: clockAt(startMs + hourMs) });
    assert.equal(next?.at, startMs + 60_000 + weekMs);
  });

  it("are not put off by a record of two years ahead", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    const ahead = startMs + 2 * 365 * 24 * hourMs;
    const at = new Date(ahead).toISOString();
    const record = { at, ok: true, verdict: "would-restore", version: null } as const;
    await recordDrill(world.memory, record, { clock: clockAt(ahead), random: systemRandom });
    const [next] = await drills(world, 1);
    assert.equal(next?.at, startMs + 60_000);
  });

  it("are not put off by an own one of two years ahead, when the clock is set right", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    const clock = hastyClock({ longMs: Number.POSITIVE_INFINITY });
    let aheadMs = 2 * 365 * 24 * hourMs;
    const jumping: Clock = {
      ...clock,
      now: () => clock.now() + aheadMs,
      sleep: (ms, signal) => {
        if (times.length > 0) aheadMs = 0;
        return clock.sleep(ms, signal);
      },
    };
    // Not kept in the store, so that only this process knows of it.
    world.store.fail("put", /^drills/, "store-denied", { times: Number.POSITIVE_INFINITY });
    const times: number[] = [];
    const observe = () => {
      times.push(clock.now());
      if (times.length === 2) stop.abort();
    };
    const stop = new AbortController();
    const work = () =>
      new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
    await drillWhile(work, {
      ...{ store: world.store, node: "alice", openers: { encrypter: drillKey } },
      ...{ intervalMs: weekMs, maxAgeMs: 200 * weekMs, observe, signal: stop.signal },
      ...{ clock: jumping, random: systemRandom, logger: silentLogger },
    });
    assert.equal((times[1] ?? 0) - (times[0] ?? 0), 60_000);
  });

  it("are repeated after an hour where one has failed", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    world.store.fail("get", /^versions/, "store-denied", { times: 2 });
    const told = await drills(world, 3);
    assert.deepEqual(
      told.map(({ report, at }) => [report.ok, at - startMs]),
      [
        [false, 60_000],
        [false, 60_000 + hourMs],
        [true, 60_000 + 2 * hourMs],
      ],
    );
    assert.equal((await readLastDrill(world.memory, Infinity))?.ok, true);
  });

  it("are repeated soon, and then less often, while the node is away; then the week begins", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    let asked = 0;
    const { survey } = world.witness;
    world.witness.survey = (signal) => {
      asked += 1;
      if (asked <= 8) throw new ScbError("node-unavailable", "away");
      return survey?.(signal) ?? Promise.reject(new Error("the world has one"));
    };
    const told = await drills(world, 10, { openers: { witness: world.witness } });
    const minutes = told.map(({ at }, i) => (at - (told[i - 1]?.at ?? startMs)) / 60_000);
    assert.deepEqual(minutes, [1, 1, 2, 4, 8, 16, 32, 60, 60, 7 * 24 * 60]);
    assert.deepEqual(
      told.map(({ report }) => report.recordedAs !== null),
      [false, false, false, false, false, false, false, false, true, true],
    );
  });

  it("go on at their pace where the result cannot be kept", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    world.store.fail("put", /^drills/, "store-denied", { times: Number.POSITIVE_INFINITY });
    const told = await drills(world, 2);
    assert.equal((told[1]?.at ?? 0) - (told[0]?.at ?? 0), weekMs);
  });

  it("survive a store that is away", async () => {
    const world = new DrillWorld([single]);
    await world.save();
    world.store.fail("list", /^drills/, "store-busy", { times: 3 });
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (_: object, text: string) => void errors.push(text) };
    const told = await drills(world, 1, { logger });
    assert.equal(told[0]?.report.ok, true);
    assert.equal(errors.length, 3);
  });

  for (const [name, change] of [
    ["off", { intervalMs: null }],
    ["for a file that nothing can open", { openers: {} }],
  ] as const) {
    it(`are not done: ${name}`, async () => {
      const world = new DrillWorld([single]);
      await world.save();
      let told = 0;
      await drillWhile(() => world.clock.sleep(1), {
        store: world.store,
        node: "alice",
        openers: { encrypter: drillKey },
        intervalMs: 1,
        maxAgeMs: weekMs,
        observe: () => {
          told += 1;
        },
        signal: new AbortController().signal,
        clock: world.clock,
        random: systemRandom,
        logger: silentLogger,
        ...change,
      });
      assert.equal(told, 0);
      assert.deepEqual(
        world.store.calls.filter(({ verb }) => verb === "put"),
        [],
      );
    });
  }

  it("end with the work, and hand its failure on", async () => {
    const world = new DrillWorld([single]);
    await assert.rejects(
      drillWhile(() => Promise.reject(new Error("the work")), {
        store: world.store,
        node: "alice",
        openers: { encrypter: drillKey },
        intervalMs: weekMs,
        maxAgeMs: weekMs,
        observe: () => undefined,
        signal: new AbortController().signal,
        clock: hastyClock(),
        random: systemRandom,
        logger: silentLogger,
      }),
      /the work/,
    );
  });
});
