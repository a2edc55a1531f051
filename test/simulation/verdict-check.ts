import { quarantinePrefix } from "../../src/repository/layout.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import type { BucketRecord } from "./bucket-record.ts";
import { longestFlightMs } from "./fate.ts";
import type { Fail } from "./invariants.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** A monitor's report, and its settings. */
export interface Look {
  readonly asksNode: boolean;
  /** How far its clock is ahead. */
  readonly skewMs: number;
  readonly maxAgeMs: number;
}

/** What has to be true of the bucket and of the node for a verdict to be "safe". */
const facts = {
  whole: "what the pointer names is whole",
  fresh: "it was saved within the max-age",
  past: "what is current is older than the monitor's own now",
  newest: "no whole version beyond the pointer is older than a swap under way",
  unrefused: "no refusal stands against it",
  drilled: "the last drill did not fail",
  covers: "it holds each open channel",
  limbo: "a restore brings what is in limbo",
} as const;

type Fact = keyof typeof facts;

interface OpenLook extends Look {
  /** What was true at some moment since the look began. */
  readonly wasTrue: Set<Fact>;
  /** The node's states since then. */
  readonly nodeStates: {
    readonly channels: readonly number[];
    readonly limbo: readonly number[];
  }[];
}

interface Refusal {
  readonly operation: string;
  readonly sha256: string;
  readonly base: { readonly key: string; readonly sequence: number } | null;
}

/** Clocks that are kept right differ by 5 min at most, and a swap may have begun long before it landed. */
const toleranceMs = 5 * 60_000 + longestFlightMs;

/** How long an unfinished swap can explain a version beyond the pointer. */
const inFlightMs = 10 * 60_000;

/** Checks each "safe" against what was true while the monitor looked, and the final verdict against what is true. */
export class VerdictCheck {
  readonly #record: BucketRecord;
  readonly #node: SimulatedNode;
  readonly #nowMs: () => number;
  readonly #savedAtMs: () => number;
  readonly #clocksAreRight: boolean;
  readonly #fail: Fail;
  readonly #looks = new Map<string, OpenLook>();
  readonly #refusals = new Map<string, Refusal>();
  /** Where the record of a drill lies that failed, and that no later one has made up for. */
  failedDrillKey: string | null = null;

  constructor(options: {
    readonly record: BucketRecord;
    readonly node: SimulatedNode;
    readonly nowMs: () => number;
    /** When what is current became so. */
    readonly savedAtMs: () => number;
    /** The mirrors': else what they say of when they saved may be older than it is. */
    readonly clocksAreRight: boolean;
    readonly fail: Fail;
  }) {
    this.#record = options.record;
    this.#node = options.node;
    this.#nowMs = options.nowMs;
    this.#savedAtMs = options.savedAtMs;
    this.#clocksAreRight = options.clocksAreRight;
    this.#fail = options.fail;
  }

  begins(name: string, look: Look): void {
    const open = { ...look, wasTrue: new Set<Fact>(), nodeStates: [] };
    this.#looks.set(name, open);
    this.changed();
  }

  /** The bucket or the node has changed. */
  changed(): void {
    for (const look of this.#looks.values()) {
      const { channels, limbo } = this.#node;
      look.nodeStates.push({ channels, limbo });
      for (const fact of this.#trueNow(look)) look.wasTrue.add(fact);
    }
  }

  wasPut({ key, bytes }: StoredObject): void {
    if (key.startsWith(quarantinePrefix) && key.endsWith(".json")) {
      this.#refusals.set(key, JSON.parse(new TextDecoder().decode(bytes)));
    }
    this.changed();
  }

  /** What it said. Null if it says nothing, for the store didn't answer. */
  ends(name: string, verdict: string | null): void {
    const look = this.#looks.get(name);
    this.#looks.delete(name);
    if (verdict !== "safe" || look === undefined) return;
    const needed = Object.entries(facts).filter(
      ([fact]) => look.asksNode || (fact !== "covers" && fact !== "limbo"),
    );
    for (const [fact, what] of needed) {
      if (look.wasTrue.has(fact as Fact)) continue;
      this.#fail(
        "verdict",
        `${name} says "safe", and while it looked it was never true that ${what}`,
      );
    }
  }

  /** What keeps the verdict from "safe" until a person repairs it; null for nothing. */
  leftover(): string | null {
    const { pointer, restorable, objects, later } = this.#record;
    if (pointer === null) return "there is no pointer";
    if (this.#hasFailedDrill) return "a drill failed";
    if (later.length > 0) return "there are versions beyond the pointer";
    if (this.#node.limbo.some((channel) => !restorable.has(channel))) return "limbo isn't covered";
    const refusals = [...this.#refusals].filter(([key]) => objects.has(key));
    const isLater = refusals.some(([, { base }]) => (base?.sequence ?? 0) >= pointer.sequence);
    if (isLater || (refusals.length > 0 && !this.#clocksAreRight))
      return "a refusal whose place nobody can tell";
    return this.#isRefused ? "a refusal stands" : null;
  }

  #trueNow({ asksNode, skewMs, maxAgeMs, nodeStates }: OpenLook): Fact[] {
    const { pointer, restorable, beyond, isTargetWhole, isTargetAsNamed } = this.#record;
    // A clock that is behind makes things look younger.
    const allowedMs = Math.max(0, -skewMs);
    const nowMs = this.#nowMs();
    const held = new Set(this.#record.whole(pointer?.version.key ?? "")?.channels);
    const isTrue: Record<Fact, boolean> = {
      whole: asksNode ? isTargetWhole : isTargetAsNamed,
      fresh: nowMs - this.#savedAtMs() <= maxAgeMs + allowedMs,
      past: !this.#clocksAreRight || this.#savedAtMs() <= nowMs + skewMs + toleranceMs,
      newest: beyond.every(({ sinceMs }) => nowMs - sinceMs <= inFlightMs + allowedMs),
      unrefused: !this.#isRefused,
      drilled: !this.#hasFailedDrill,
      covers: nodeStates.some(({ channels }) => channels.every((it) => held.has(it))),
      limbo: nodeStates.some(({ limbo }) => limbo.every((it) => restorable.has(it))),
    };
    return (Object.keys(facts) as Fact[]).filter((fact) => isTrue[fact]);
  }

  get #hasFailedDrill(): boolean {
    return this.failedDrillKey !== null && this.#record.objects.has(this.failedDrillKey);
  }

  /** Held back in favour of what is current, and not accepted since. */
  get #isRefused(): boolean {
    const { pointer, objects } = this.#record;
    return [...this.#refusals].some(
      ([key, { sha256, base }]) =>
        objects.has(key) &&
        base?.key === pointer?.version.key &&
        sha256 !== pointer?.version.sha256,
    );
  }
}
