import assert from "node:assert/strict";
import { it } from "node:test";
import { Pace } from "../../src/runtime/pace.ts";
import { hastyClock } from "../support/hasty-clock.ts";

it("a pace lets three swaps through at once, then one for each interval", async () => {
  const clock = hastyClock();
  const pace = new Pace(clock, 250);
  const waits: number[] = [];
  for (let swap = 0; swap < 6; swap += 1) {
    const waitMs = Math.max(0, pace.waitMs);
    waits.push(waitMs);
    await clock.sleep(waitMs);
    pace.count();
  }
  assert.deepEqual(waits, [0, 0, 0, 250, 250, 250]);
  await clock.sleep(10_000);
  assert.ok(pace.waitMs < 0, "all is forgotten after a quiet time");
});

it("a pace of 0 slows nothing", () => {
  const pace = new Pace(hastyClock(), 0);
  for (let swap = 0; swap < 9; swap += 1) {
    assert.ok(pace.waitMs <= 0);
    pace.count();
  }
});
