import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeCampaign, runCampaign } from "./campaign.ts";
import { planOf } from "./plan.ts";
import { regressionSeeds } from "./regressions.ts";
import { describeFailure, traceOf } from "./report.ts";
import { modes, World } from "./world.ts";

const schedules = Number(process.env["SCB_SIMULATED_SCHEDULES"] ?? 30_000);
/** Always the same ones, so that it is a change that breaks them. `npm run simulate` takes fresh ones. */
const firstSeed = 1;

describe("the swap, simulated", () => {
  it("one seed is one schedule, step for step", async () => {
    for (const mode of modes) {
      for (const seed of [3, 14, 15]) {
        const once = await traceOf(planOf(seed), mode);
        assert.ok(once.length > 20);
        assert.deepEqual(await traceOf(planOf(seed), mode), once);
      }
    }
  });

  for (const { seed, why } of regressionSeeds) {
    it(`schedule ${seed}: ${why}`, async () => {
      for (const mode of modes) {
        const { violation } = await new World(planOf(seed), mode).run();
        if (violation !== null) assert.fail(await describeFailure(seed, mode, violation));
      }
    });
  }

  it(`every invariant holds after each step of ${schedules.toLocaleString("en")} schedules, in both modes`, async () => {
    const result = await runCampaign({ firstSeed, schedules, threads: 2 });
    process.stdout.write(`\n${describeCampaign(result)}\n`);
    const { failure } = result;
    if (failure !== null)
      assert.fail(await describeFailure(failure.seed, failure.mode, failure.violation));
    assert.equal(result.schedules, schedules);
  });
});
