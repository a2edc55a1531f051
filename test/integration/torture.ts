/**
 * The kill test for as long as wanted: `npm run torture -- --kills 1000 [--seed N]`. Prints figures,
 * and fails if anything was lost. Ctrl-C ends it early, and what was done until then is judged.
 */
import { parseArgs } from "node:util";
import { printReport } from "../bench/report.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { killRun } from "../support/kill-run.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  process.stderr.write("--kills and --seed are whole numbers, and there is at least one kill\n");
  process.exit(2);
}
process.stderr.write(`${kills} kills, seed ${seed}\n`);
const startedAtMs = performance.now();
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
await using ground = await FaultGround.start("torture");
const report = await killRun({
  ground,
  kills,
  killsPerStoreKill: 50,
  seed,
  signal: stop.signal,
  onKill: (killed) => {
    if (killed % 50 === 0) process.stderr.write(`${killed}\n`);
  },
});
const { lineage, faults, ...figures } = report;
const tookMs = performance.now() - startedAtMs;
printReport(
  `${report.kills} kills, seed ${seed}: nothing that was acknowledged is lost`,
  ["", "count"],
  [...Object.entries({ ...figures, lineage: lineage.length }), ...Object.entries(faults)].map(
    ([name, count]) => [name, String(count)],
  ),
  [`It took ${Math.round(tookMs / 1000)} s.`],
);
