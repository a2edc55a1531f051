import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fate } from "./fate.ts";
import type { Plan } from "./plan.ts";
import type { PlanItem } from "./plan-item.ts";
import { World } from "./world.ts";

function planWith(items: readonly PlanItem[], overrides: Partial<Plan> = {}): Plan {
  return {
    seed: 1,
    flavour: { isVersioned: false, etags: "of-content", pageSize: 1_000 },
    singleWriter: false,
    refreshIntervalMs: 12 * 3_600_000,
    minIntervalMs: 1_000,
    lookIntervalMs: 3_600_000,
    latencyMs: { min: 5, max: 50 },
    troubleMs: 60_000,
    items,
    ...overrides,
  };
}

const lndWriter = (writer: number): PlanItem => ({
  kind: "writer",
  writer,
  atMs: 0,
  source: "lnd",
});

/** Runs it to its end, and returns the trace: seconds, and what happened. */
async function run(
  plan: Plan,
): Promise<readonly { readonly atMs: number; readonly what: string }[]> {
  const lines: { atMs: number; what: string }[] = [];
  const { violation } = await new World(plan, "mirror", (line) => {
    const [, seconds = "", what = ""] = /^ *(\S+) s {2}(.*)$/.exec(line) ?? [];
    lines.push({ atMs: Number(seconds) * 1000, what });
  }).run();
  assert.equal(violation, null);
  return lines;
}

const isCommit = (what: string): boolean => /^bucket {2}put latest\.json .* done$/.test(what);

describe("the swap, in simulated time", () => {
  it("a burst of 100 channel events within a second ends in a handful of swaps", async () => {
    const opens = Array.from(
      { length: 100 },
      (_, open): PlanItem => ({ kind: "open", atMs: 10_000 + open * 10 }),
    );
    const lines = await run(planWith([lndWriter(0), ...opens]));
    const commits = lines.filter(({ atMs, what }) => atMs >= 10_000 && isCommit(what));
    assert.ok(commits.length >= 1 && commits.length <= 8, `${commits.length} swaps`);
  });

  it("a hundred writers on one folder all get through", async () => {
    const writers = Array.from({ length: 100 }, (_, writer) => lndWriter(writer));
    const lines = await run(planWith([...writers, { kind: "open", atMs: 30_000 }]));
    const told = lines.filter(
      ({ atMs, what }) => atMs >= 30_000 && atMs < 3_600_000 && what.includes("tells: swapped"),
    );
    assert.equal(new Set(told.map(({ what }) => what.split(" ")[0])).size, 100);
    const lastMs = told.at(-1)?.atMs ?? 0;
    assert.ok(lastMs < 90_000, `the last one after ${lastMs - 30_000} ms`);
  });

  const outages: readonly { readonly name: string; readonly fate: Fate }[] = [
    { name: "refuses", fate: { kind: "turned-away" } },
    { name: "hangs", fate: { kind: "lost", silence: "timeout" } },
    { name: "breaks connections", fate: { kind: "lost", silence: "reset" } },
  ];
  for (const { name, fate } of outages) {
    it(`within 2 s of the first answer of a store that ${name} the last state is saved`, async () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const lines = await run(
          planWith(
            [
              lndWriter(0),
              { kind: "partition", writer: 0, atMs: 10_000, forMs: 50_000, fate },
              { kind: "open", atMs: 20_000 },
            ],
            { seed },
          ),
        );
        const after = lines.filter(({ atMs, what }) => atMs >= 60_000 && what.startsWith("bucket"));
        const firstMs = after.find(({ what }) => what.endsWith(": done"))?.atMs ?? NaN;
        const commitMs = after.find(({ what }) => isCommit(what))?.atMs ?? NaN;
        assert.ok(commitMs - firstMs < 2_000, `seed ${seed}: ${commitMs - firstMs} ms`);
      }
    });
  }
});
