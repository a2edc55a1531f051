import { parentPort, workerData } from "node:worker_threads";
import type { CampaignNews, CampaignShare } from "./campaign.ts";
import { scheduleOf } from "./schedule.ts";
import type { SimulationStats } from "./world.ts";

// Most errors here are deliberate; a stack trace for each would take longer than everything else.
Error.stackTraceLimit = 0;

const newsEvery = 500;
const { firstSeed, step, schedules, ways }: CampaignShare = workerData;
let stats: SimulationStats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
let untold = 0;

function tell(failure: CampaignNews["failure"]): void {
  parentPort?.postMessage({ schedules: untold, stats, failure } satisfies CampaignNews);
  stats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
  untold = 0;
}

async function runEachWay(seed: number): Promise<CampaignNews["failure"]> {
  for (const way of ways) {
    const result = await scheduleOf(seed, way).run();
    for (const name of ["steps", "faults", "crashes", "swaps"] as const) {
      stats[name] += result.stats[name];
    }
    const { violation } = result;
    if (violation !== null) return { seed, way, violation };
  }
  return null;
}

for (let run = 0; run < schedules; run += 1) {
  const seed = firstSeed + run * step;
  const failure = await runEachWay(seed);
  untold += 1;
  if (failure !== null) {
    tell(failure);
    break;
  }
  if (untold === newsEvery) tell(null);
}
tell(null);
