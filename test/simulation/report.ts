import { invariants, type Violation } from "./invariants.ts";
import { type Schedule, scheduleOf, type Way } from "./schedule.ts";
import { shrink } from "./shrink.ts";

/** A shrunk failing schedule for people: what broke, how, and how to replay it. */
export async function describeFailure(
  seed: number,
  way: Way,
  violation: Violation,
): Promise<string> {
  const { invariant, message } = violation;
  const schedule = scheduleOf(seed, way);
  const kept = await shrink(schedule, invariant);
  const where = way === "stores" ? "of several stores" : `in ${way} mode`;
  return [
    `schedule ${seed} ${where} breaks ${invariant} (${invariants[invariant]}): ${message}`,
    `shrunk from ${schedule.plan.items.length} items to ${kept.length}; again: npm run simulate -- --mode ${way} --seed ${seed} --only ${kept.join(",")}`,
    ...(await traceOf(schedule.only(kept))),
  ].join("\n");
}

/** Every event of a schedule, one per line, and how it ends. */
export async function traceOf(schedule: Schedule): Promise<readonly string[]> {
  const { plan } = schedule;
  const lines = [
    `clocks and buckets: ${JSON.stringify({ ...plan, items: undefined })}`,
    ...plan.items.map((item) => `planned: ${JSON.stringify(item)}`),
  ];
  const { violation, stats } = await schedule.run((line) => lines.push(line));
  lines.push(
    violation === null
      ? `holds: ${JSON.stringify(stats)}`
      : `BREAKS ${violation.invariant}: ${violation.message}`,
  );
  return lines;
}
