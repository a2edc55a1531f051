import type { Requirement } from "../../src/checks/requirement.ts";
import type { Fate, Silence } from "./fate.ts";
import type { Meddling, PlanItem, RequestKind } from "./plan-item.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { BucketFlavour } from "./simulated-bucket.ts";

type OfNode = Extract<
  PlanItem,
  { kind: "open" | "close" | "force-close" | "glitch" | "node-away" }
>;

/** One event of a schedule of several stores. Any but the first can be left out. */
export type StoresItem =
  | OfNode
  /** A process begins, with these stores; or begins anew with them, as after a change of `--to`. */
  | {
      readonly kind: "process";
      readonly process: number;
      readonly atMs: number;
      readonly stores: readonly number[];
    }
  | Extract<PlanItem, { kind: "all-crash" }>
  | {
      readonly kind: "crash";
      readonly process: number;
      readonly step: number;
      readonly awayMs: number;
    }
  | {
      readonly kind: "stop";
      readonly process: number;
      readonly atMs: number;
      readonly graceMs: number;
    }
  /** What one process (null: each) sends to a store meets this fate. */
  | {
      readonly kind: "outage";
      readonly store: number;
      readonly process: number | null;
      /** Default: all. */
      readonly request?: RequestKind;
      readonly atMs: number;
      readonly forMs: number;
      readonly fate: Fate;
    }
  /** Strikes the nth request of this kind that a process sends to the store. */
  | {
      readonly kind: "fault";
      readonly store: number;
      readonly process: number;
      readonly request: RequestKind;
      readonly nth: number;
      readonly fate: Fate;
    }
  | {
      readonly kind: "meddle";
      readonly store: number;
      readonly deed: Exclude<Meddling, "other-node">;
      readonly atMs: number;
    };

export interface LatencyMs {
  readonly min: number;
  readonly max: number;
}

export interface PlannedStore {
  readonly flavour: BucketFlavour;
  readonly latencyMs: LatencyMs;
}

/** A schedule of one node and several stores. */
export interface StoresPlan {
  readonly seed: number;
  readonly stores: readonly PlannedStore[];
  readonly requirement: Requirement;
  readonly nodeLatencyMs: LatencyMs;
  readonly refreshIntervalMs: number;
  readonly minIntervalMs: number;
  readonly lookIntervalMs: number;
  /** How long faults last; nothing in the plan ends later. */
  readonly troubleMs: number;
  readonly items: readonly StoresItem[];
}

/** Makes a schedule from a seed. The same seed makes the same schedule for ever. */
export function storesPlanOf(seed: number): StoresPlan {
  const random = new SeededRandom(seed, "stores");
  const count = random.pick([2, 2, 3]);
  const troubleMs = random.spread(5_000, 120_000);
  const processes = random.chance(0.2) ? 2 : 1;
  const items: StoresItem[] = [];
  const hotMs = [random.unit(), random.unit()].map((unit) => unit * troubleMs);
  const when = (): number => {
    if (random.chance(0.5)) return Math.floor(random.unit() * troubleMs);
    const fromMs = hotMs[random.int(0, 1)] ?? 0;
    return Math.floor(Math.min(fromMs + random.spread(1, 3_000), troubleMs - 1));
  };
  const span = (): number => Math.floor(random.spread(100, troubleMs));
  const anyStore = (): number => random.int(0, count - 1);
  const anyProcess = (): number => random.int(0, processes - 1);
  const which = () => random.pick(["oldest", "newest"] as const);
  const some = (most: number, make: () => StoresItem): void => {
    for (let left = random.int(0, most); left > 0; left -= 1) items.push(make());
  };
  const all = Array.from({ length: count }, (_, store) => store);

  const isGrowing = random.chance(0.3);
  const first = anyStore();
  items.push({ kind: "process", process: 0, atMs: 0, stores: isGrowing ? [first] : all });
  if (isGrowing) {
    const growsAtMs = when();
    items.push({ kind: "process", process: 0, atMs: growsAtMs, stores: all });
    if (random.chance(0.5)) {
      // What is to be copied from goes away, as soon as it is known or before.
      const atMs = growsAtMs + Math.floor(random.spread(100, 2_000));
      const fate = outageFate(random);
      items.push({ kind: "outage", store: first, process: null, atMs, forMs: 60_000, fate });
    }
  }
  if (processes === 2) {
    const stores = all.filter(() => random.chance(0.6));
    const atMs = random.chance(0.5) ? 0 : when();
    items.push({ kind: "process", process: 1, atMs, stores: stores.length === 0 ? all : stores });
  }
  some(5, () => ({ kind: "open", atMs: when() }));
  some(2, () => ({ kind: "close", which: which(), atMs: when() }));
  if (random.chance(0.15)) {
    const lockedMs = random.chance(0.4) ? null : Math.floor(random.spread(100, troubleMs));
    items.push({ kind: "open", atMs: when() });
    items.push({ kind: "force-close", which: which(), atMs: when(), lockedMs });
  }
  if (random.chance(0.1)) {
    // Whoever starts looks for what is in limbo, which takes long in a slow store; meanwhile others go on.
    const atMs = when();
    items.push({ kind: "open", atMs });
    items.push({ kind: "force-close", which: "newest", atMs: atMs + 3_000, lockedMs: null });
    items.push({ kind: "all-crash", atMs: atMs + 6_000, awayMs: 100 });
    for (let n = 0; n < 5; n += 1)
      items.push({ kind: "open", atMs: atMs + random.int(6_500, 20_000) });
  }
  if (random.chance(0.6)) {
    const fate = outageFate(random);
    some(3, () => ({
      kind: "outage",
      store: anyStore(),
      process: random.chance(0.7) ? null : anyProcess(),
      atMs: when(),
      forMs: span(),
      fate: random.chance(0.5) ? fate : outageFate(random),
    }));
  }
  if (random.chance(0.25)) {
    // The node is wiped while one store is behind, and the process that knew the others' content is gone.
    const atMs = when();
    const forMs = Math.floor(random.spread(20_000, 60_000));
    const glitch = random.pick(["empty", "partial", "partial"] as const);
    const fate = outageFate(random);
    items.push({ kind: "outage", store: anyStore(), process: null, atMs, forMs, fate });
    items.push({ kind: "open", atMs: atMs + 500 });
    if (random.chance(0.5)) items.push({ kind: "all-crash", atMs: atMs + 8_000, awayMs: 1_000 });
    items.push({ kind: "glitch", glitch, atMs: atMs + 8_000, forMs: 2 * forMs });
    if (random.chance(0.5)) items.push({ kind: "open", atMs: atMs + 9_000 });
  }
  if (random.chance(0.1)) {
    some(2, () => ({
      kind: "glitch",
      glitch: random.pick(["empty", "partial", "text"]),
      atMs: when(),
      forMs: span(),
    }));
  }
  if (random.chance(0.1)) some(2, () => ({ kind: "node-away", atMs: when(), forMs: span() }));
  if (random.chance(0.5)) {
    some(3, () => ({
      kind: "crash",
      process: anyProcess(),
      step: random.int(1, 60),
      awayMs: random.spread(1, 5_000),
    }));
  }
  if (random.chance(0.3)) {
    some(2, () => ({ kind: "stop", process: anyProcess(), atMs: when(), graceMs: 10_000 }));
  }
  for (let left = random.pick([0, 0, 1, 2, 4, 6]); left > 0; left -= 1) {
    items.push({
      kind: "fault",
      store: anyStore(),
      process: anyProcess(),
      request: random.pick<RequestKind>(["pointer", "pointer", "version", "read", "read", "other"]),
      nth: Math.floor(random.spread(1, 12)),
      fate: anyFate(random, troubleMs),
    });
  }
  if (random.chance(0.15)) {
    some(2, () => ({
      kind: "meddle",
      store: anyStore(),
      deed: random.pick([
        "delete-pointer",
        "damage-pointer",
        "delete-version",
        "overwrite-version",
      ] as const),
      atMs: when(),
    }));
  }
  if (random.chance(0.12)) {
    // The look that follows the last swap can't be made at once.
    const atMs = Math.floor(troubleMs) + 5_000;
    const forMs = Math.floor(random.spread(500, 5_000));
    const fate: Fate = { kind: "lost", silence: random.pick<Silence>(["reset", "timeout"]) };
    items.push({ kind: "open", atMs });
    items.push({
      kind: "outage",
      store: anyStore(),
      process: null,
      atMs: atMs + random.int(500, 1_900),
      forMs,
      fate,
    });
  }
  if (random.chance(0.06)) {
    // Last of all the node doesn't answer, then lies, and is as it was.
    const atMs = Math.floor(troubleMs) + 20_000;
    const fate: Fate = { kind: "turned-away" };
    items.push({ kind: "outage", store: anyStore(), process: null, atMs, forMs: 6_000, fate });
    items.push({ kind: "open", atMs: atMs + 100 });
    items.push({ kind: "node-away", atMs: atMs + 4_000, forMs: 8_000 });
    items.push({ kind: "glitch", glitch: "empty", atMs: atMs + 11_900, forMs: 30_000 });
  }
  if (random.chance(0.08)) {
    // A store is away when the node goes, and when it is back.
    const atMs = when();
    const fate: Fate = { kind: "turned-away" };
    items.push({ kind: "outage", store: anyStore(), process: null, atMs, forMs: 60_000, fate });
    items.push({ kind: "open", atMs: atMs + 100 });
    items.push({ kind: "node-away", atMs: atMs + 40_000, forMs: 1_000 });
  }
  if (random.chance(0.1)) {
    // Somebody starts while a store is away.
    const atMs = when();
    const forMs = Math.floor(random.spread(20_000, 60_000));
    const fate = outageFate(random);
    items.push({ kind: "outage", store: anyStore(), process: null, atMs, forMs, fate });
    items.push({ kind: "all-crash", atMs: atMs + 100, awayMs: random.spread(1, 1_000) });
    items.push({ kind: "open", atMs: atMs + 5_000 });
  }
  const refreshIntervalMs = random.pick([30_000, 12 * 3_600_000, 12 * 3_600_000]);
  return {
    seed,
    stores: all.map(() => plannedStore(random)),
    requirement: random.pick<Requirement>(["all", "all", "majority", 1]),
    nodeLatencyMs: latencies(random, [5, 50, 50]),
    refreshIntervalMs,
    minIntervalMs: random.pick([0, 1_000]),
    lookIntervalMs: refreshIntervalMs / 3,
    // Everything in the plan is over by then.
    troubleMs: Math.max(troubleMs, ...items.map(endMs)),
    items,
  };
}

function endMs(item: StoresItem): number {
  if (!("atMs" in item)) return 0;
  return item.atMs + ("forMs" in item ? item.forMs : 0);
}

function plannedStore(random: SeededRandom): PlannedStore {
  return {
    flavour: {
      isVersioned: random.chance(0.5),
      etags: random.pick(["of-content", "unique"]),
      pageSize: random.pick([2, 1_000]),
    },
    latencyMs: latencies(random, [5, 50, 50, 500, 6_000]),
  };
}

function latencies(random: SeededRandom, slowest: readonly [number, ...number[]]): LatencyMs {
  const max = random.pick(slowest);
  return { min: max / random.pick([1, 5, 50]), max };
}

function outageFate(random: SeededRandom): Fate {
  const silence = random.pick<Silence>(["reset", "timeout"]);
  return random.pick<Fate>([
    { kind: "lost", silence: "timeout" },
    { kind: "lost", silence },
    { kind: "answer-lost", silence },
    { kind: "turned-away" },
    { kind: "denied" },
  ]);
}

function anyFate(random: SeededRandom, troubleMs: number): Fate {
  const silence = random.pick<Silence>(["reset", "reset", "timeout"]);
  const byMs = Math.floor(random.spread(1, troubleMs));
  return random.pick<Fate>([
    { kind: "lost", silence },
    { kind: "answer-lost", silence },
    { kind: "late", silence, byMs },
    { kind: "turned-away" },
    { kind: "busy-though-done" },
    { kind: "broken", isDone: random.chance(0.5) },
    { kind: "doubled", byMs, answer: random.pick(["first", "second"]) },
  ]);
}
