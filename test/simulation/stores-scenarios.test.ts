import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fate } from "./fate.ts";
import type { PlannedStore, StoresItem, StoresPlan } from "./stores-plan.ts";
import { StoresWorld } from "./stores-world.ts";

const fast: PlannedStore = {
  flavour: { isVersioned: false, etags: "of-content", pageSize: 1_000 },
  latencyMs: { min: 5, max: 50 },
};

function planWith(items: readonly StoresItem[], overrides: Partial<StoresPlan> = {}): StoresPlan {
  return {
    seed: 1,
    stores: [fast, fast],
    requirement: "all",
    nodeLatencyMs: { min: 5, max: 5 },
    refreshIntervalMs: 12 * 3_600_000,
    minIntervalMs: 0,
    lookIntervalMs: 4 * 3_600_000,
    troubleMs: 120_000,
    items,
    ...overrides,
  };
}

const process = (stores: readonly number[], atMs = 0): StoresItem => ({
  kind: "process",
  process: 0,
  atMs,
  stores,
});

/** Runs it to its end, and returns the trace: seconds, and what happened. */
async function run(
  plan: StoresPlan,
): Promise<readonly { readonly atMs: number; readonly what: string }[]> {
  const lines: { atMs: number; what: string }[] = [];
  const { violation } = await new StoresWorld(plan, (line) => {
    const [, seconds = "", what = ""] = /^ *(\S+) s {2}(.*)$/.exec(line) ?? [];
    lines.push({ atMs: Number(seconds) * 1000, what });
  }).run();
  assert.equal(violation, null);
  return lines;
}

/** When a state that the node had from then on was first current in a store. */
async function commitMs(plan: StoresPlan, store: number, sinceMs: number): Promise<number> {
  const lines = await run(plan);
  const commit = lines.find(
    ({ atMs, what }) =>
      atMs >= sinceMs && what.startsWith(`store-${store}: bucket  put latest.json`),
  );
  return (commit?.atMs ?? Infinity) - sinceMs;
}

const opens: StoresItem = { kind: "open", atMs: 30_000 };
const outages: readonly { readonly name: string; readonly fate: Fate }[] = [
  { name: "refuses", fate: { kind: "turned-away" } },
  { name: "hangs", fate: { kind: "lost", silence: "timeout" } },
  { name: "breaks connections", fate: { kind: "lost", silence: "reset" } },
  { name: "denies access", fate: { kind: "denied" } },
];

describe("several stores, in simulated time", () => {
  for (const { name, fate } of outages) {
    const outage = (atMs: number): StoresItem => ({
      kind: "outage",
      store: 1,
      process: null,
      atMs,
      forMs: 60_000,
      fate,
    });

    it(`a store that ${name} delays the other by no more than a call to the node`, async () => {
      for (let seed = 1; seed <= 4; seed += 1) {
        for (const beginsAtMs of [0, 20_000, 29_995]) {
          const alone = await commitMs(planWith([process([0]), opens], { seed }), 0, 30_000);
          const items = [process([0, 1]), opens, outage(beginsAtMs)];
          const beside = await commitMs(planWith(items, { seed }), 0, 30_000);
          // Latencies are drawn from one stream, which other requests shift.
          const callMs = 2 * 5;
          const slowestMs = 4 * 50 + callMs;
          assert.ok(beside <= slowestMs + callMs, `seed ${seed}: ${beside} ms, ${alone} ms alone`);
        }
      }
    });

    it(`within 2 s of the first answer of a store that ${name} it holds the last state`, async () => {
      for (let seed = 1; seed <= 5; seed += 1) {
        const lines = await run(planWith([process([0, 1]), opens, outage(20_000)], { seed }));
        const after = lines.filter(
          ({ atMs, what }) => atMs >= 80_000 && what.startsWith("store-1: bucket"),
        );
        const firstMs = after.find(({ what }) => what.endsWith(": done"))?.atMs ?? NaN;
        const isCommit = /put latest\.json .* done$/;
        const levelMs = after.find(({ what }) => isCommit.test(what))?.atMs ?? NaN;
        assert.ok(levelMs - firstMs < 2_000, `seed ${seed}: ${levelMs - firstMs} ms`);
      }
    });
  }

  it("an empty store is brought level while the node is away, with what is in limbo too", async () => {
    const lines = await run(
      planWith([
        process([0]),
        { kind: "open", atMs: 5_000 },
        { kind: "force-close", which: "newest", atMs: 10_000, lockedMs: null },
        { kind: "node-away", atMs: 20_000, forMs: 30_000 },
        process([0, 1], 21_000),
      ]),
    );
    const isCommit = /^store-1: bucket {2}put latest\.json .* done$/;
    const copied = lines.filter(({ atMs, what }) => atMs < 50_000 && isCommit.test(what));
    assert.equal(copied.length, 2);
  });

  /** How often the node is asked for a backup. */
  async function asked(stores: readonly number[], seed: number): Promise<number> {
    const events = Array.from({ length: 100 }, (_, n): StoresItem => {
      return { kind: "open", atMs: 10_000 + n * 300 };
    });
    const plan = planWith([process(stores), ...events], { seed, stores: [fast, fast, fast] });
    const lines = await run(plan);
    return lines.filter(({ atMs, what }) => atMs > 9_000 && /^p\S+ +snapshot: /.test(what)).length;
  }

  it("three stores ask the node hardly more often than one does", async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const alone = await Promise.all([0, 1, 2].map((store) => asked([store], seed)));
      const together = await asked([0, 1, 2], seed);
      // Now and then one of them is still busy when the others want to know.
      assert.ok(together <= Math.max(...alone) + 5, `seed ${seed}: ${together}, alone ${alone}`);
    }
  });

  it("one that is slow costs the node a call for each of its own swaps at most", async () => {
    const slow: PlannedStore = { ...fast, latencyMs: { min: 500, max: 500 } };
    const stores = [fast, slow];
    const count = async (of: readonly number[]): Promise<number> => {
      const events = Array.from({ length: 100 }, (_, n): StoresItem => {
        return { kind: "open", atMs: 10_000 + n * 300 };
      });
      const lines = await run(planWith([process(of), ...events], { stores }));
      return lines.filter(({ what }) => /^p\S+ +snapshot: /.test(what)).length;
    };
    const [fastAlone, slowAlone, both] = [await count([0]), await count([1]), await count([0, 1])];
    assert.ok(both <= fastAlone + slowAlone, `${both}, ${fastAlone} and ${slowAlone} alone`);
  });
});
