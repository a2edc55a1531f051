import { Worker } from "node:worker_threads";
import type { Violation } from "./invariants.ts";
import type { Way } from "./schedule.ts";
import type { SimulationStats } from "./world.ts";

/** A worker's task, and its periodic reports. */
export interface CampaignShare {
  readonly firstSeed: number;
  readonly step: number;
  readonly schedules: number;
  readonly ways: readonly Way[];
}

export interface CampaignNews {
  /** Since the last report. */
  readonly schedules: number;
  readonly stats: SimulationStats;
  readonly failure: {
    readonly seed: number;
    readonly way: Way;
    readonly violation: Violation;
  } | null;
}

export interface CampaignResult {
  readonly schedules: number;
  readonly stats: SimulationStats;
  readonly failure: CampaignNews["failure"];
  readonly elapsedMs: number;
}

/** Runs schedules in each way, in `threads` threads, until all are done or one of them fails. */
export async function runCampaign(
  {
    firstSeed,
    schedules,
    threads,
    ways,
  }: Omit<CampaignShare, "step"> & { readonly threads: number },
  onProgress: (schedules: number) => void = () => undefined,
): Promise<CampaignResult> {
  const startedMs = performance.now();
  const stats: SimulationStats = { steps: 0, faults: 0, crashes: 0, swaps: 0 };
  let done = 0;
  let failure: CampaignNews["failure"] = null;
  const workers = Array.from({ length: threads }, (_, thread) => {
    const share: CampaignShare = {
      firstSeed: firstSeed + thread,
      step: threads,
      schedules: Math.ceil((schedules - thread) / threads),
      ways,
    };
    return new Worker(new URL("./campaign-worker.ts", import.meta.url), { workerData: share });
  });
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on("message", (news: CampaignNews) => {
            done += news.schedules;
            for (const name of ["steps", "faults", "crashes", "swaps"] as const) {
              stats[name] += news.stats[name];
            }
            onProgress(done);
            if (news.failure === null) return;
            failure ??= news.failure;
            for (const other of workers) void other.terminate();
          });
          worker.on("error", reject);
          worker.on("exit", () => resolve());
        }),
    ),
  );
  return { schedules: done, stats, failure, elapsedMs: performance.now() - startedMs };
}

export function describeCampaign({ schedules, stats, elapsedMs }: CampaignResult): string {
  const { steps, faults, crashes, swaps } = stats;
  const seconds = (elapsedMs / 1000).toFixed(0);
  const numbers = [schedules, steps, faults, crashes, swaps].map((n) => n.toLocaleString("en"));
  return `${numbers[0]} schedules in ${seconds} s: ${numbers[1]} steps, ${numbers[2]} faults, ${numbers[3]} crashes, ${numbers[4]} swaps`;
}
