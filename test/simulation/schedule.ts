import { type Plan, planOf } from "./plan.ts";
import type { StoresPlan } from "./stores-plan.ts";
import { storesPlanOf } from "./stores-plan.ts";
import { StoresWorld } from "./stores-world.ts";
import { modes, type SimulationResult, World } from "./world.ts";

/** One store, in either mode; or several. */
export const ways = [...modes, "stores"] as const;
export type Way = (typeof ways)[number];

/** What one seed decides in any of the ways: events, and the world in which they happen. */
export interface Schedule {
  readonly plan: Plan | StoresPlan;
  /** The schedule with only these items, by number. */
  only(numbers: readonly number[]): Schedule;
  run(log?: (line: string) => void): Promise<SimulationResult>;
}

export function scheduleOf(seed: number, way: Way): Schedule {
  if (way === "stores") {
    return schedule(storesPlanOf(seed), (plan, log) => new StoresWorld(plan, log).run());
  }
  return schedule(planOf(seed), (plan, log) => new World(plan, way, log).run());
}

function schedule<P extends Plan | StoresPlan>(
  plan: P,
  run: (plan: P, log: ((line: string) => void) | null) => Promise<SimulationResult>,
): Schedule {
  return {
    plan,
    only: (numbers) => {
      const items = plan.items.filter((_, number) => numbers.includes(number));
      return schedule({ ...plan, items }, run);
    },
    run: (log) => run(plan, log ?? null),
  };
}
