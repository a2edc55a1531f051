import { applyPrune, type PruneOptions, preparePrune } from "../../src/recovery/prune/prune.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { fine } from "./fate.ts";
import type { PlanItem } from "./plan-item.ts";
import { SeededRandom, unitOf } from "./seeded-random.ts";
import { epochMs, simulatedClock } from "./simulated-clock.ts";
import { SimulatedStore } from "./simulated-store.ts";
import type { World } from "./world.ts";

export type PruneItem = Extract<PlanItem, { kind: "prune" }>;

/** `prune --apply`, run on a separate machine at any moment. */
export class PruneRun {
  readonly #world: World;
  readonly #name: string;
  readonly #item: PruneItem;
  #isAlive = true;
  #steps = 0;
  #sent = 0;

  constructor(world: World, nth: number, item: PruneItem) {
    this.#world = world;
    this.#name = `prune.${nth}`;
    this.#item = item;
  }

  start(): void {
    const { plan, bucket, timeline, trace, checker } = this.#world;
    const { keepLast, keepWithinMs, batchSize } = this.#item;
    const nowMs = (): number => timeline.nowMs;
    const after = (delayMs: number, act: () => void): void => timeline.after(delayMs, act);
    const deliver = (what: string, act: () => void): void => this.#deliver(what, act);
    const network = {
      send: () => ({ fate: fine, outMs: this.#latencyMs(), backMs: this.#latencyMs() }),
      nowMs,
      after,
      deliver,
      trace,
    };
    checker.keeps(this.#name, keepLast);
    const options: PruneOptions = {
      store: new SimulatedStore(bucket, network, this.#name),
      policy: { keepLast, keepWithinMs, keepDaily: 0, keepWeekly: 0, keepMonthly: 0 },
      graceMs: 0,
      batchSize,
      clock: simulatedClock({
        wallMs: () => epochMs + Math.floor(timeline.nowMs),
        monotonicMs: nowMs,
        after,
        deliver,
      }),
      random: new SeededRandom(plan.seed, this.#name),
    };
    this.#world.touched = true;
    void run(options).then((end) => {
      trace(() => `${this.#name}  ends: ${end}`);
      if (end instanceof ScbError && end.code === "internal") {
        checker.fail("I8", `${this.#name}: ${end.message}`);
      }
    });
  }

  #deliver(what: string, act: () => void): void {
    if (!this.#isAlive) return;
    this.#steps += 1;
    if (this.#steps === this.#item.dieAtStep) {
      this.#isAlive = false;
      this.#world.trace(() => `${this.#name}  DIES`);
      return;
    }
    this.#world.trace(() => `${this.#name}  ${what}`);
    this.#world.stats.steps += 1;
    this.#world.touched = true;
    act();
  }

  #latencyMs(): number {
    this.#sent += 1;
    const { seed, latencyMs } = this.#world.plan;
    const unit = unitOf(seed, this.#name, this.#sent);
    return latencyMs.min * (latencyMs.max / latencyMs.min) ** unit;
  }
}

async function run(options: PruneOptions): Promise<string | ScbError> {
  try {
    const prepared = await preparePrune(options);
    const { removed } = await applyPrune(options, prepared);
    return `removed ${removed.size}`;
  } catch (error) {
    return ScbError.from(error);
  }
}
