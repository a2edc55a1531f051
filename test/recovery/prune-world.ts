import assert from "node:assert/strict";
import {
  applyPrune,
  type PreparedPrune,
  type PruneOptions,
  preparePrune,
} from "../../src/recovery/prune/prune.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import {
  candidateOf,
  keysOf,
  makeSwapper,
  packedBytes,
  swapOnce,
} from "../support/mirror-fixture.ts";

export const dayMs = 86_400_000;
export const startMs = Date.UTC(2026, 0, 1);

/** A store and its writers, on one clock that a test moves on. */
export function world() {
  let nowMs = startMs;
  const clock = { ...hastyClock(), now: () => nowMs };
  const store = new MemoryStore(undefined, clock);
  return {
    clock,
    store,
    pass: (ms: number) => {
      nowMs += ms;
    },
    swapper: () => makeSwapper(store, { clock }),
    /** A version that lost its race: uploaded for the next sequence, then another writer committed. */
    async orphan(): Promise<string> {
      const loser = makeSwapper(store, { clock });
      const lost = await loser.begin(await loser.base(), candidateOf(packedBytes()));
      await swapOnce(makeSwapper(store, { clock }));
      await assert.rejects(loser.advance(lost), { code: "superseded" });
      return lost.key;
    },
  };
}

export type World = ReturnType<typeof world>;

export function optionsFor(
  store: ObjectStore,
  { policy, ...more }: Partial<Omit<PruneOptions, "policy">> & { policy?: object } = {},
): PruneOptions {
  return {
    store,
    policy: {
      keepLast: 0,
      keepDaily: 0,
      keepWeekly: 0,
      keepMonthly: 0,
      keepWithinMs: 0,
      ...policy,
    },
    graceMs: 7 * dayMs,
    // Later than all that a test saves.
    clock: hastyClock({ startMs: startMs + 3_650 * dayMs }),
    random: systemRandom,
    ...more,
  };
}

export async function prune(options: PruneOptions): Promise<PreparedPrune> {
  const prepared = await preparePrune(options);
  const { removed, failed } = await applyPrune(options, prepared);
  assert.equal(failed.size, 0);
  assert.deepEqual(removed, new Set(prepared.plan.remove.map(({ version }) => version.key)));
  return prepared;
}

export const sequencesIn = async (store: ObjectStore): Promise<number[]> =>
  (await keysOf(store, "versions/")).map((key) => Number(key.slice(9, 29)));

export async function withCommits(count: number): Promise<World> {
  const made = world();
  const swapper = made.swapper();
  for (let n = 0; n < count; n += 1) {
    await swapOnce(swapper);
    made.pass(dayMs);
  }
  return made;
}
