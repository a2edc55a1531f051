/**
 * Runs simulated schedules: `npm run simulate -- --schedules 1000000`, or one of them with a trace:
 * `npm run simulate -- --seed 17 [--only 0,3]`. Exits with 1 if an invariant breaks.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { describeCampaign, runCampaign } from "./campaign.ts";
import { describeFailure, traceOf } from "./report.ts";
import { scheduleOf, ways } from "./schedule.ts";
import { modes } from "./world.ts";

const usage = `npm run simulate -- [--schedules N] [--first SEED] [--threads N] [--mode mirror|pack|stores]
npm run simulate -- --seed SEED [--mode mirror|pack|stores] [--only ITEM,ITEM,…]

Without --mode each schedule of one store runs in both of its modes. Without --first the seeds begin at a random one, which is printed.`;

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "100000" },
    first: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    seed: { type: "string" },
    mode: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const asked = ways.find((one) => one === values.mode);

if (values.help) say(usage);
else if (values.seed !== undefined) {
  const schedule = scheduleOf(whole("--seed", values.seed), asked ?? "mirror");
  const only = values.only?.split(",").map((item) => whole("--only", item));
  const lines = await traceOf(only === undefined ? schedule : schedule.only(only));
  for (const line of lines) say(line);
  if (lines.at(-1)?.startsWith("BREAKS")) process.exitCode = 1;
} else {
  const schedules = whole("--schedules", values.schedules);
  const threads = whole("--threads", values.threads);
  const firstSeed =
    values.first === undefined
      ? Math.floor(Math.random() * 2 ** 31)
      : whole("--first", values.first);
  say(`seeds ${firstSeed} to ${firstSeed + schedules - 1}, in ${threads} threads`);
  const share = { firstSeed, schedules, threads, ways: asked === undefined ? modes : [asked] };
  const result = await runCampaign(share, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} schedules `);
  });
  say(describeCampaign(result));
  if (result.failure !== null) {
    say(await describeFailure(result.failure.seed, result.failure.way, result.failure.violation));
    process.exitCode = 1;
  }
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  process.stderr.write(`${name} takes whole numbers, not ${text}\n${usage}\n`);
  process.exit(2);
}
