import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepeatedTrouble } from "../../src/app/repeated-trouble.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { hastyClock } from "../support/hasty-clock.ts";

describe("RepeatedTrouble", () => {
  const retrying = (attempt: number, code: ErrorCode = "store-busy") =>
    ({ kind: "retrying", error: new ScbError(code, "away"), attempt, retryInMs: 1 }) as const;

  it("tells the first tries, and then one a minute", async () => {
    const clock = hastyClock();
    const repeated = new RepeatedTrouble(clock);
    const told: number[] = [];
    for (let attempt = 1; attempt <= 200; attempt += 1) {
      if (repeated.isWorthTelling(retrying(attempt))) told.push(attempt);
      await clock.sleep(1_000);
    }
    assert.deepEqual(told, [1, 2, 3, 63, 123, 183]);
  });

  it("tells another kind of trouble at once", () => {
    const repeated = new RepeatedTrouble(hastyClock());
    assert.ok(repeated.isWorthTelling(retrying(4)));
    assert.ok(repeated.isWorthTelling(retrying(5, "store-unknown")));
    assert.ok(!repeated.isWorthTelling(retrying(6)));
    assert.ok(!repeated.isWorthTelling(retrying(7, "store-unknown")));
  });

  it("tells a refusal that cannot be kept once, and then one a minute", async () => {
    const clock = hastyClock();
    const repeated = new RepeatedTrouble(clock);
    const error = new ScbError("refused", "no channels");
    const { message } = error;
    const refused = { kind: "refused", reason: "start", code: "empty", message, error } as const;
    const told: string[] = [];
    for (let attempt = 1; attempt <= 100; attempt += 1) {
      // As the engine tells it while the store can be read and not written.
      for (const event of [{ ...refused, quarantineKey: null }, retrying(attempt, "refused")]) {
        if (repeated.isWorthTelling(event)) told.push(`${attempt} ${event.kind}`);
      }
      await clock.sleep(1_000);
    }
    assert.deepEqual(told, [
      "1 refused",
      "1 retrying",
      "2 retrying",
      "3 retrying",
      "61 refused",
      "63 retrying",
    ]);
    assert.ok(repeated.isWorthTelling({ ...refused, quarantineKey: "quarantine/1.backup" }));
    assert.ok(repeated.isWorthTelling({ ...refused, quarantineKey: null }));
  });

  it("tells all that is no trouble, and begins anew after it", () => {
    const repeated = new RepeatedTrouble(hastyClock());
    assert.ok(repeated.isWorthTelling(retrying(9)));
    assert.ok(!repeated.isWorthTelling(retrying(10)));
    assert.ok(repeated.isWorthTelling({ kind: "recovered", attempts: 10 }));
    assert.ok(repeated.isWorthTelling(retrying(9)));
  });
});
