import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../chanbackup/sub-swapper-fakes.ts";
import {
  looked,
  pass,
  readBack,
  recovered,
  refused,
  retrying,
  SimulatedRun,
  swapped,
} from "./simulated-run.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Numbers in [0, 1) that look random, the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** A process that finds node and store away for a while, as after a boot, and then all as it was. */
async function begin(clock: ManualClock, sent: string[], awayMs: number): Promise<SimulatedRun> {
  const run = new SimulatedRun(clock, sent);
  await pass(clock, awayMs, (since) => {
    run.hear(retrying(since < awayMs / 2 ? "node-locked" : "store-unknown"));
  });
  run.hear(recovered, swapped);
  await pass(clock, 10_000);
  run.hear(readBack);
  return run;
}

describe("a week of ordinary life", () => {
  for (const seed of [1, 2, 3]) {
    it(`sends no message (${seed})`, { timeout: 120_000 }, async () => {
      const clock = new ManualClock();
      const sent: string[] = [];
      const random = seeded(seed);
      let run = await begin(clock, sent, 4 * minuteMs);
      await pass(clock, 5 * minuteMs);
      const counts = { restarts: 0, outages: 0, closes: 0, lndRestarts: 0 };
      let atMs = 0;
      while (atMs < 7 * dayMs) {
        const before = clock.monotonicMs();
        const what = random();
        if (what < 0.01) {
          // A rolling update: the new one starts before the old one stops.
          counts.restarts += 1;
          const next = await begin(clock, sent, random() * 4 * minuteMs);
          await run.stop();
          run = next;
        } else if (what < 0.03) {
          counts.outages += 1;
          run.hear(retrying("store-busy"));
          await pass(clock, random() * 4.5 * minuteMs, () => run.hear(retrying("store-busy")));
          run.hear(swapped, recovered);
          await pass(clock, 10_000);
          run.hear(readBack);
        } else if (what < 0.05) {
          counts.lndRestarts += 1;
          await pass(clock, random() * 4.5 * minuteMs, () =>
            run.hear(retrying("node-unavailable")),
          );
          run.hear(recovered, swapped);
          await pass(clock, 10_000);
          run.hear(readBack);
        } else if (what < 0.15) {
          // A channel closes: until the next swap nothing holds its funds.
          counts.closes += 1;
          run.uncovered = ["aa:0"];
          run.hear(swapped);
          await pass(clock, 10_000);
          run.uncovered = [];
          run.hear(swapped, readBack);
        } else run.hear(random() < 0.1 ? readBack : looked);
        // At least so long passes in peace: what comes three times in five minutes flaps.
        await pass(clock, 5 * minuteMs);
        atMs += clock.monotonicMs() - before;
      }
      await run.stop();
      assert.ok(
        Object.values(counts).every((count) => count >= 5),
        JSON.stringify(counts),
      );
      assert.deepEqual(sent, []);
    });
  }
});

describe("a bad night", () => {
  it("is three messages", { timeout: 60_000 }, async () => {
    const clock = new ManualClock();
    const sent: string[] = [];
    const random = seeded(7);
    const run = await begin(clock, sent, minuteMs);
    await pass(clock, hourMs, () => run.hear(looked));
    // From one to five the store comes and goes, lnd restarts, and three hundred channels change.
    let isRefused = false;
    let events = 0;
    const beganMs = clock.monotonicMs();
    while (clock.monotonicMs() - beganMs < 4 * hourMs) {
      await pass(clock, (3 + random() * 17) * minuteMs, () => {
        events += 1;
        run.hear(retrying(events % 3 === 0 ? "node-unavailable" : "store-busy"));
      });
      if (!isRefused && clock.monotonicMs() - beganMs > 2 * hourMs) {
        isRefused = true;
        run.hear(refused);
      }
      if (!isRefused) run.hear(swapped);
      run.hear(recovered, looked);
      await pass(clock, (1 + random() * 3) * minuteMs, () => run.hear(looked));
    }
    assert.ok(events > 300, `${events} events`);
    run.hear(swapped, recovered, readBack);
    await pass(clock, 2 * hourMs, () => run.hear(looked));
    await run.stop();
    const titles = sent.map((line) => line.slice(12));
    assert.equal(titles.length, 3, sent.join("\n"));
    assert.match(titles[0] ?? "", /^scb-mirror: alice is NOT SAFE: .*not-saved/);
    assert.match(titles[1] ?? "", /^scb-mirror: alice is NOT SAFE: refused/);
    assert.match(titles[2] ?? "", /^scb-mirror: alice is safe again: /);
  });

  it("that goes on is told: a store that is away for ten minutes is", async () => {
    const clock = new ManualClock();
    const sent: string[] = [];
    const run = await begin(clock, sent, minuteMs);
    await pass(clock, 10 * minuteMs, () => run.hear(retrying("store-busy")));
    assert.equal(sent.length, 1);
    await run.stop();
  });

  it("so is a process that hears nothing any more", async () => {
    const clock = new ManualClock();
    const sent: string[] = [];
    const run = await begin(clock, sent, minuteMs);
    await pass(clock, 16 * minuteMs);
    assert.equal(sent.length, 1);
    assert.match(sent[0] ?? "", /NOT KNOWN to be safe: unproved/);
    await run.stop();
  });
});
