import { parentPort, workerData } from "node:worker_threads";
import type { CampaignNews, CampaignShare } from "./campaign.ts";
import { planOf } from "./plan.ts";
import { modes, type SimulationStats, World } from "./world.ts";

// Most errors here are made on purpose; a stack for each would take longer than all else.
Error.stackTraceLimit = 0;

const newsEvery = 500;
const { firstSeed, step, schedules }: CampaignShare = workerData;
let stats: SimulationStats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
let untold = 0;

function tell(failure: CampaignNews["failure"]): void {
  parentPort?.postMessage({ schedules: untold, stats, failure } satisfies CampaignNews);
  stats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
  untold = 0;
}

async function runInEachMode(seed: number): Promise<CampaignNews["failure"]> {
  for (const mode of modes) {
    const result = await new World(planOf(seed), mode).run();
    for (const name of ["steps", "faults", "crashes", "swaps"] as const) {
      stats[name] += result.stats[name];
    }
    const { violation } = result;
    if (violation !== null) return { seed, mode, violation };
  }
  return null;
}

for (let run = 0; run < schedules; run += 1) {
  const seed = firstSeed + run * step;
  const failure = await runInEachMode(seed);
  untold += 1;
  if (failure !== null) {
    tell(failure);
    break;
  }
  if (untold === newsEvery) tell(null);
}
tell(null);
