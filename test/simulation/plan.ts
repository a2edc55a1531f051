import type { Fate, Silence } from "./fate.ts";
import { withDeeds } from "./plan-deeds.ts";
import type { Meddling, PlanItem, RequestKind } from "./plan-item.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { BucketFlavour } from "./simulated-bucket.ts";

/** A schedule: what the seed decides before anything runs. */
export interface Plan {
  readonly seed: number;
  readonly flavour: BucketFlavour;
  readonly singleWriter: boolean;
  readonly refreshIntervalMs: number;
  readonly minIntervalMs: number;
  /** The time between two reads of the store. */
  readonly lookIntervalMs: number;
  readonly latencyMs: { readonly min: number; readonly max: number };
  /** How long faults last; nothing in the plan ends later. */
  readonly troubleMs: number;
  readonly items: readonly PlanItem[];
}

export const maxWriters = 4;

/** Makes a schedule from a seed. The same seed makes the same schedule for ever. */
export function planOf(seed: number): Plan {
  const random = new SeededRandom(seed, "plan");
  const singleWriter = random.chance(0.05);
  const troubleMs = random.spread(1_000, 60_000);
  const writers = singleWriter ? 1 : random.pick([1, 2, 2, 2, 3, 3, maxWriters]);
  const items: PlanItem[] = [];
  // Half of all events happen close to a few moments, so that many of them coincide.
  const hotMs = [random.unit(), random.unit()].map((unit) => unit * troubleMs);
  const when = (): number => {
    if (random.chance(0.5)) return Math.floor(random.unit() * troubleMs);
    const fromMs = hotMs[random.int(0, 1)] ?? 0;
    return Math.floor(Math.min(fromMs + random.spread(1, 3_000), troubleMs - 1));
  };
  const span = (): number => Math.floor(random.spread(10, troubleMs));
  const anyWriter = (): number => random.int(0, writers - 1);
  const some = (most: number, make: () => PlanItem): void => {
    for (let count = random.int(0, most); count > 0; count -= 1) items.push(make());
  };

  for (let writer = 0; writer < writers; writer += 1) {
    // The first is one that lnd verifies for: where only files are seen, a close is held back.
    const source = writer > 0 && random.chance(0.25) ? "file" : "lnd";
    const atMs = writer === 0 || random.chance(0.5) ? 0 : when();
    items.push({ kind: "writer", writer, atMs, source });
  }
  some(4, () => ({ kind: "open", atMs: when() }));
  some(2, () => ({ kind: "close", which: random.pick(["oldest", "newest"]), atMs: when() }));
  if (random.chance(0.15)) {
    some(2, () => ({
      kind: "glitch",
      glitch: random.pick(["empty", "empty", "text"]),
      atMs: when(),
      forMs: span(),
    }));
  }
  if (random.chance(0.2)) {
    some(2, () => ({ kind: "node-away", atMs: when(), forMs: span() }));
    // The node goes while a swap waits for the store, and there has been news.
    const atMs = when();
    const fate: Fate = { kind: "turned-away" };
    items.push({ kind: "partition", writer: 0, atMs, forMs: 3_000, fate });
    items.push({ kind: "open", atMs: atMs + 1 });
    items.push({ kind: "open", atMs: atMs + 1_500 });
    items.push({ kind: "node-away", atMs: atMs + 1_600, forMs: 2_000 });
  }
  if (random.chance(0.6)) {
    some(3, () => ({
      kind: "crash",
      writer: anyWriter(),
      step: random.int(1, 40),
      awayMs: random.spread(1, 5_000),
    }));
  }
  if (random.chance(0.3)) {
    some(2, () => ({
      kind: "stop",
      writer: anyWriter(),
      atMs: when(),
      graceMs: 10_000,
    }));
  }
  if (random.chance(0.1))
    some(2, () => ({ kind: "freeze", writer: anyWriter(), atMs: when(), forMs: span() }));
  if (random.chance(0.25)) {
    some(2, () => ({
      kind: "partition",
      writer: random.chance(0.3) ? null : anyWriter(),
      atMs: when(),
      forMs: span(),
      fate: partitionFate(random),
    }));
  }
  if (random.chance(0.2)) {
    some(3, () => ({
      kind: "clock-jump",
      writer: anyWriter(),
      atMs: when(),
      byMs: Math.floor(random.pick([-1, 1]) * random.spread(1, 40 * 24 * 3_600_000)),
    }));
  }
  for (let count = random.pick([0, 1, 2, 3, 5, 8]); count > 0; count -= 1) {
    const request = random.pick<RequestKind>([
      "pointer",
      "pointer",
      "pointer",
      "version",
      "version",
      "read",
      "read",
      "other",
    ]);
    items.push({
      kind: "fault",
      writer: anyWriter(),
      request,
      nth: Math.floor(random.spread(1, 12)),
      fate: anyFate(random, troubleMs),
    });
  }
  if (!singleWriter && random.chance(0.25)) {
    some(3, () => ({ kind: "prune", start: { atMs: when() }, ...anyPrune(random) }));
    // While a pointer is on its way for long, what it names is not current yet.
    const atPointer = random.int(1, 4);
    const fate: Fate = { kind: "late", silence: "timeout", byMs: random.int(1, 20_000) };
    items.push({ kind: "prune", start: { atPointer }, ...anyPrune(random) });
    items.push({ kind: "fault", writer: 0, request: "pointer", nth: atPointer, fate });
  }
  if (!singleWriter && random.chance(0.08)) {
    const deed = random.pick<Meddling>([
      "delete-pointer",
      "damage-pointer",
      "damage-upload",
      "other-node",
    ]);
    items.push({ kind: "meddle", deed, atMs: when() });
  }

  const planned = singleWriter
    ? { troubleMs, writers, items }
    : withDeeds(seed, { troubleMs, writers, items });
  const slowest = random.pick([5, 50, 500, 6_000]);
  const flavour: BucketFlavour = {
    isVersioned: random.chance(0.5),
    etags: random.pick(["of-content", "unique"]),
    pageSize: random.pick([1, 2, 1_000]),
  };
  const refreshIntervalMs = random.pick([30_000, 12 * 3_600_000, 12 * 3_600_000]);
  return {
    seed,
    flavour,
    singleWriter,
    refreshIntervalMs,
    minIntervalMs: random.pick([0, 1_000]),
    // Often while there are faults, and seldom in the quiet hours after them.
    lookIntervalMs: refreshIntervalMs / 3,
    latencyMs: { min: slowest / random.pick([1, 5, 50]), max: slowest },
    troubleMs: planned.troubleMs,
    items: standable(planned.items, singleWriter),
  };
}

/**
 * Leaves out what no protocol on one key can withstand. For a single writer: a clock that is set back between
 * two of its lives, with a request of the first still in flight. For any number: somebody who deletes the
 * pointer while a writer that has just seen none stands still.
 */
function standable(items: readonly PlanItem[], singleWriter: boolean): readonly PlanItem[] {
  const hasLives = items.some(({ kind }) => kind === "crash" || kind === "stop");
  const isMeddled = items.some(({ kind }) => kind === "meddle");
  return items.filter((item) => {
    if (item.kind === "clock-jump") return !(singleWriter && hasLives && item.byMs < 0);
    return !(item.kind === "freeze" && isMeddled);
  });
}

function anyPrune(random: SeededRandom) {
  return {
    keepLast: random.int(1, 3),
    keepWithinMs: random.pick([0, 0, 5_000]),
    batchSize: random.pick([1, 2, 500]),
    dieAtStep: random.chance(0.3) ? random.int(1, 30) : null,
  };
}

function partitionFate(random: SeededRandom): Fate {
  const silence = random.pick<Silence>(["reset", "timeout"]);
  return random.pick<Fate>([
    { kind: "lost", silence },
    { kind: "answer-lost", silence },
    { kind: "turned-away" },
  ]);
}

function anyFate(random: SeededRandom, troubleMs: number): Fate {
  const silence = random.pick<Silence>(["reset", "reset", "timeout"]);
  const byMs = Math.floor(random.spread(1, troubleMs));
  return random.pick<Fate>([
    { kind: "lost", silence },
    { kind: "answer-lost", silence },
    { kind: "answer-lost", silence },
    { kind: "late", silence, byMs },
    { kind: "late", silence, byMs },
    { kind: "turned-away" },
    { kind: "busy-though-done" },
    { kind: "broken", isDone: random.chance(0.5) },
    { kind: "doubled", byMs, answer: random.pick(["first", "second"]) },
  ]);
}
