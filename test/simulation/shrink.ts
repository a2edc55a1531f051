import type { InvariantName } from "./invariants.ts";
import type { Schedule } from "./schedule.ts";

/**
 * Removes every item that a schedule doesn't need to break `invariant`. Returns the
 * numbers of the needed items. The first writer is always one: without it nobody saves anything.
 */
export async function shrink(
  schedule: Schedule,
  invariant: InvariantName,
): Promise<readonly number[]> {
  let kept = schedule.plan.items.map((_, number) => number);
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = kept.length - size; start >= 1 - size; start -= size) {
      const from = Math.max(1, start);
      const fewer = [...kept.slice(0, from), ...kept.slice(Math.max(from, start + size))];
      if (fewer.length === kept.length) continue;
      const { violation } = await schedule.only(fewer).run();
      if (violation?.invariant === invariant) kept = fewer;
    }
  }
  return kept;
}
