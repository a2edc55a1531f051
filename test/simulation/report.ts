import { invariants, type Violation } from "./invariants.ts";
import { type Plan, planOf } from "./plan.ts";
import { onlyItems, shrink } from "./shrink.ts";
import { type Mode, World } from "./world.ts";

/** A failing schedule, made short, as a person wants to see it: what broke, how, and how to replay it. */
export async function describeFailure(
  seed: number,
  mode: Mode,
  violation: Violation,
): Promise<string> {
  const { invariant, message } = violation;
  const plan = planOf(seed);
  const kept = await shrink(plan, invariant, (shorter) => new World(shorter, mode).run());
  const short = onlyItems(plan, kept);
  return [
    `schedule ${seed} in ${mode} mode breaks ${invariant} (${invariants[invariant]}): ${message}`,
    `shrunk from ${plan.items.length} items to ${kept.length}; again: npm run simulate -- --mode ${mode} --seed ${seed} --only ${kept.join(",")}`,
    ...(await traceOf(short, mode)),
  ].join("\n");
}

/** All that happens in a schedule, a line each, and how it ends. */
export async function traceOf(plan: Plan, mode: Mode): Promise<readonly string[]> {
  const lines = [
    `writers' clocks and the bucket: ${JSON.stringify({ ...plan, items: undefined })}`,
    ...plan.items.map((item) => `planned: ${JSON.stringify(item)}`),
  ];
  const { violation, stats } = await new World(plan, mode, (line) => lines.push(line)).run();
  lines.push(
    violation === null
      ? `holds: ${JSON.stringify(stats)}`
      : `BREAKS ${violation.invariant}: ${violation.message}`,
  );
  return lines;
}
