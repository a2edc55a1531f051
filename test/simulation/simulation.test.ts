import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeCampaign, runCampaign } from "./campaign.ts";
import { regressionSeeds } from "./regressions.ts";
import { describeFailure, traceOf } from "./report.ts";
import { scheduleOf, type Way, ways } from "./schedule.ts";
import { modes } from "./world.ts";

const schedules = Number(process.env["SCB_SIMULATED_SCHEDULES"] ?? 30_000);
/** Always the same ones, so that it is a change that breaks them. `npm run simulate` takes fresh ones. */
const firstSeed = 1;

/** Each runs two or three stores. */
const storesSchedules = Math.ceil(schedules / 20);

async function holdsAll(first: number, count: number, run: readonly Way[]): Promise<void> {
  const share = { firstSeed: first, schedules: count, threads: 2, ways: run };
  const result = await runCampaign(share);
  process.stdout.write(`\n${run.join(" and ")}: ${describeCampaign(result)}\n`);
  const { failure } = result;
  if (failure !== null)
    assert.fail(await describeFailure(failure.seed, failure.way, failure.violation));
  assert.equal(result.schedules, count);
}

describe("the swap, simulated", () => {
  it("one seed is one schedule, step for step", async () => {
    for (const way of ways) {
      for (const seed of [3, 14, 15]) {
        const once = await traceOf(scheduleOf(seed, way));
        assert.ok(once.length > 20);
        assert.deepEqual(await traceOf(scheduleOf(seed, way)), once);
      }
    }
  });

  for (const { seed, why } of regressionSeeds) {
    it(`schedule ${seed}: ${why}`, async () => {
      for (const mode of modes) {
        const { violation } = await scheduleOf(seed, mode).run();
        if (violation !== null) assert.fail(await describeFailure(seed, mode, violation));
      }
    });
  }

  it(`every invariant holds after each step of ${schedules.toLocaleString("en")} schedules, in both modes`, () =>
    holdsAll(firstSeed, schedules, modes));

  it(`and of ${storesSchedules.toLocaleString("en")} schedules of several stores`, () =>
    holdsAll(firstSeed, storesSchedules, ["stores"]));
});
