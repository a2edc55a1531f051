import type { Meddling, PlanItem } from "./plan-item.ts";
import { SeededRandom } from "./seeded-random.ts";

/** The plan so far. */
export interface PlannedTrouble {
  readonly troubleMs: number;
  readonly writers: number;
  readonly items: readonly PlanItem[];
}

const hourMs = 3_600_000;
const twoYearsMs = 2 * 365 * 24 * hourMs;
/** Longer than an unfinished swap can explain a version beyond the pointer. */
const silenceMs = 15 * 60_000;

/**
 * Adds to a plan what somebody does to the folder by hand, funds in limbo, wrong clocks, and monitors
 * that look at all that. It draws from its own random stream, so the rest of the plan doesn't change.
 */
export function withDeeds(seed: number, planned: PlannedTrouble): PlannedTrouble {
  const random = new SeededRandom(seed, "deeds");
  const { writers } = planned;
  let { troubleMs } = planned;
  const items: PlanItem[] = [];
  const when = (): number => Math.floor(random.unit() * planned.troubleMs);
  const which = () => random.pick(["oldest", "newest"] as const);
  const isLooked = random.chance(0.25);

  if (random.chance(0.3)) {
    for (let count = random.int(1, 3); count > 0; count -= 1) {
      const lockedMs = random.chance(0.4) ? null : Math.floor(random.spread(100, troubleMs));
      items.push({ kind: "open", atMs: when() });
      items.push({ kind: "force-close", which: which(), atMs: when(), lockedMs });
    }
  }
  if (random.chance(0.12)) {
    const atMs = when();
    const deed = random.pick<Meddling>([
      "delete-version",
      "overwrite-version",
      "overwrite-version-and-hash",
    ]);
    items.push({ kind: "meddle", deed, atMs });
    // Leaves a damaged folder to the guards alone: the process that knew its content is gone.
    if (random.chance(0.4)) {
      items.push({ kind: "open", atMs: Math.max(0, atMs - 2_000) });
      items.push({ kind: "all-crash", atMs: atMs + 1, awayMs: random.spread(1, 1_000) });
      items.push({ kind: "glitch", glitch: "partial", atMs: atMs + 2, forMs: 20_000 });
    }
  }
  if (random.chance(0.05)) {
    items.push({ kind: "glitch", glitch: "partial", atMs: when(), forMs: when() });
  }
  if (random.chance(0.08)) {
    const times = [when(), when()].sort((a, b) => a - b);
    const [copiedAtMs = 0, atMs = 0] = times;
    items.push({ kind: "open", atMs: Math.floor((copiedAtMs + atMs) / 2) });
    items.push({ kind: "put-back", what: random.pick(["folder", "pointer"]), copiedAtMs, atMs });
    items.push({ kind: "open", atMs: atMs + Math.floor(random.spread(1, 5_000)) });
  }
  if (random.chance(0.02)) items.push({ kind: "meddle", deed: "forge-refusal", atMs: when() });
  if (random.chance(0.05)) {
    const writer = random.int(0, writers - 1);
    const atMs = when();
    const forMs = Math.floor(random.spread(500, 10_000));
    items.push({ kind: "clock-jump", writer, atMs, byMs: twoYearsMs });
    items.push({ kind: "open", atMs: atMs + 1 });
    items.push({ kind: "clock-jump", writer, atMs: atMs + forMs, byMs: -twoYearsMs });
  }
  if (isLooked) {
    for (let count = random.int(1, 4); count > 0; count -= 1) {
      const skewMs = random.chance(0.7)
        ? 0
        : Math.floor(random.pick([-1, 1]) * random.spread(1, 48 * hourMs));
      items.push({ kind: "monitor", atMs: when(), asksNode: random.chance(0.5), skewMs });
    }
    if (random.chance(0.1)) {
      const atMs = when();
      items.push({ kind: "meddle", deed: "forge-drill", atMs: atMs - 2_000 });
      items.push({ kind: "meddle", deed: "fail-drill", atMs });
    }
    if (random.chance(0.08)) {
      // The store takes uploads and refuses their pointers, until every mirror is dead.
      const atMs = planned.troubleMs;
      troubleMs += silenceMs;
      items.push({ kind: "open", atMs });
      const fate = { kind: "turned-away" } as const;
      const request = "pointer";
      items.push({
        kind: "partition",
        writer: null,
        request,
        atMs: atMs - 1,
        forMs: silenceMs,
        fate,
      });
      items.push({ kind: "all-crash", atMs: atMs + 20_000, awayMs: silenceMs });
      for (const asksNode of [true, false]) {
        items.push({ kind: "monitor", atMs: troubleMs - 60_000, asksNode, skewMs: 0 });
      }
    }
  }
  if (random.chance(0.04)) items.push({ kind: "meddle", deed: "delete-pointer", atMs: when() });
  if (writers > 1 && random.chance(0.06)) {
    // One mirror has to read its base anew at each attempt, while the others save one change after another.
    const atMs = when();
    const fate = { kind: "turned-away" } as const;
    items.push({ kind: "partition", writer: 0, request: "pointer", atMs, forMs: 3_000, fate });
    for (let n = 0; n < 6; n += 1) {
      items.push({ kind: "open", atMs: Math.max(0, atMs - 1_000) });
      const closedAtMs = atMs + Math.floor(random.spread(1, 4_000));
      items.push({ kind: "close", which: which(), atMs: closedAtMs });
    }
  }
  return { troubleMs, writers, items: [...planned.items, ...items] };
}
