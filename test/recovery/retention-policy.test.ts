import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { keptByPolicy, type RetentionPolicy } from "../../src/recovery/prune/retention-policy.ts";

const nothing: RetentionPolicy = {
  keepLast: 0,
  keepDaily: 0,
  keepWeekly: 0,
  keepMonthly: 0,
  keepWithinMs: 0,
};
const dayMs = 86_400_000;

/** Versions saved at these times, newest first, each named by its time. */
const savedAt = (...times: readonly string[]) =>
  times.map((time) => ({ key: time, savedAt: Date.parse(`${time}Z`) }));

describe("keptByPolicy", () => {
  const days = savedAt(
    "2026-03-02T10:00", // a Monday
    "2026-03-02T09:00",
    "2026-03-01T23:59", // a Sunday, so of the week before
    "2026-02-28T12:00",
    "2026-02-28T11:00",
    "2026-02-23T00:00", // the Monday of that week
    "2026-02-22T12:00",
    "2026-01-31T12:00",
    "2025-12-31T12:00",
    "2025-12-30T12:00",
  );
  const cases: readonly [string, Partial<RetentionPolicy>, readonly number[]][] = [
    ["nothing", {}, []],
    ["the last 3", { keepLast: 3 }, [0, 1, 2]],
    ["more than there are", { keepLast: 99 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["the newest of each of 3 days", { keepDaily: 3 }, [0, 2, 3]],
    ["the newest of each of 3 weeks", { keepWeekly: 3 }, [0, 2, 6]],
    ["the newest of each of 3 months", { keepMonthly: 3 }, [0, 3, 7]],
    ["the oldest, where counts are left", { keepMonthly: 5 }, [0, 3, 7, 8, 9]],
    ["a day before the newest", { keepWithinMs: dayMs }, [0, 1, 2]],
    ["what any rule keeps", { keepLast: 2, keepMonthly: 2 }, [0, 1, 3]],
  ];
  for (const [name, policy, expected] of cases) {
    it(`keeps ${name}`, () => {
      const kept = keptByPolicy({ ...nothing, ...policy }, days);
      assert.deepEqual(
        days.flatMap(({ key }, index) => (kept.has(key) ? [index] : [])),
        expected,
      );
    });
  }

  it("says every reason", () => {
    const [newest] = days;
    const all = { keepLast: 1, keepDaily: 1, keepWeekly: 1, keepMonthly: 1, keepWithinMs: 1 };
    assert.deepEqual(keptByPolicy(all, days).get(newest?.key ?? ""), [
      "within",
      "last",
      "daily",
      "weekly",
      "monthly",
    ]);
  });

  it("a clock that jumped makes no second bucket of a day", () => {
    const jumped = savedAt(
      "2026-01-02T03:00",
      "2026-01-05T00:00",
      "2026-01-02T02:00",
      "2026-01-01T00:00",
    );
    const kept = keptByPolicy({ ...nothing, keepDaily: 3 }, jumped);
    assert.deepEqual(
      [...kept.keys()],
      [0, 1, 3].map((index) => jumped[index]?.key),
    );
  });

  const count = fc.nat(12);
  const policies: fc.Arbitrary<RetentionPolicy> = fc.record({
    keepLast: count,
    keepDaily: count,
    keepWeekly: count,
    keepMonthly: count,
    keepWithinMs: fc.nat(40 * dayMs),
  });
  const histories = fc
    .array(fc.nat(400 * dayMs), { maxLength: 60 })
    .map((times) => times.map((time, index) => ({ key: String(index), savedAt: time })));

  it("keep-last n keeps exactly n", () => {
    fc.assert(
      fc.property(histories, count, (versions, keepLast) => {
        const kept = keptByPolicy({ ...nothing, keepLast }, versions);
        assert.equal(kept.size, Math.min(keepLast, versions.length));
      }),
    );
  });

  it("any rule at all keeps the newest", () => {
    fc.assert(
      fc.property(histories, policies, (versions, policy) => {
        const [newest] = versions;
        fc.pre(newest !== undefined && Object.values(policy).some((value) => value > 0));
        assert.ok(keptByPolicy(policy, versions).has(newest?.key ?? ""));
      }),
    );
  });

  it("keeps no less for a policy that keeps more", () => {
    fc.assert(
      fc.property(histories, policies, policies, (versions, policy, more) => {
        const larger: RetentionPolicy = {
          keepLast: policy.keepLast + more.keepLast,
          keepDaily: policy.keepDaily + more.keepDaily,
          keepWeekly: policy.keepWeekly + more.keepWeekly,
          keepMonthly: policy.keepMonthly + more.keepMonthly,
          keepWithinMs: policy.keepWithinMs + more.keepWithinMs,
        };
        const kept = keptByPolicy(larger, versions);
        for (const key of keptByPolicy(policy, versions).keys()) assert.ok(kept.has(key));
      }),
    );
  });

  it("keeps all of what it has kept", () => {
    fc.assert(
      fc.property(histories, policies, (versions, policy) => {
        const kept = keptByPolicy(policy, versions);
        const left = versions.filter(({ key }) => kept.has(key));
        assert.equal(keptByPolicy(policy, left).size, left.length);
      }),
    );
  });
});
