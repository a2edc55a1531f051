/**
 * The run on three stores for as long as wanted: `npm run torture:stores -- --events 200 [--seed N]`.
 * Prints figures, and fails if anything was lost or a verdict was wrong. Ctrl-C ends it early, and what was
 * done until then is judged.
 */
import { parseArgs } from "node:util";
import { figure, median, printReport, quantile } from "../bench/report.ts";
import { storesRun } from "../support/stores-run.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const events = Number(values.events);
const seed = Number(values.seed);
if (!Number.isInteger(events) || events < 1 || !Number.isInteger(seed)) {
  process.stderr.write("--events and --seed are whole numbers, and there is at least one event\n");
  process.exit(2);
}
process.stderr.write(`${events} events, seed ${seed}\n`);
const startedAtMs = performance.now();
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
const report = await storesRun({
  events,
  seed,
  signal: stop.signal,
  onTrouble: (what, so) => process.stderr.write(`${so} events, ${what}\n`),
});
const tookMs = performance.now() - startedAtMs;

const times = (name: string, ms: readonly number[]): string[] => [
  name,
  String(ms.length),
  figure(median(ms), "ms"),
  figure(quantile(ms, 0.95), "ms"),
  figure(Math.max(...ms), "ms"),
];
const late = report.times.map(({ tookMs: took, ownMs }) => took - ownMs);
printReport(
  `${report.events} events of lnd, three stores of which two are needed, seed ${seed}`,
  ["", "count", "median", "p95", "most"],
  [
    times(
      "event to the second store",
      report.times.map((time) => time.tookMs),
    ),
    times(
      "event to the second of two mirrored alone",
      report.times.map((time) => time.ownMs),
    ),
    times("the difference", late),
    times(
      "so far apart were those two",
      report.times.map(({ apartMs }) => apartMs),
    ),
    times("return to level", report.returnedMs),
  ],
  [
    `Later than those and 50 ms: ${late.filter((ms) => ms > 50).length} of ${late.length} events.`,
    `Troubles: ${JSON.stringify(report.troubles)}. Acknowledged, and all there: ${JSON.stringify(report.acknowledged)}.`,
    `Verdicts told: ${report.verdicts}; /readyz read ${report.readyzReads} times, the stores ${report.reads} times; wrong: ${report.wrong.length}.`,
    `It took ${Math.round(tookMs / 1000)} s.`,
  ],
);
for (const { atMs, verdict, findings, why } of report.wrong) {
  process.stdout.write(
    `wrong: ${new Date(atMs).toISOString()} ${verdict} (${findings}), and ${why}\n`,
  );
}
if (report.wrong.length > 0) process.exitCode = 1;
