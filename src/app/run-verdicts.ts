import type { Situation } from "../alerts/situation.ts";
import type { FindingCode } from "../checks/finding.ts";
import { neededOf, type Requirement } from "../checks/requirement.ts";
import type { RunEvidence } from "../checks/run-verdict.ts";
import { judgeStores, type StoreJudgement } from "../checks/stores-verdict.ts";
import type { LastDrill } from "../repository/drill-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DaemonEvent } from "./daemon-event.ts";
import { RunVerdict } from "./run-verdict.ts";

export interface RunVerdictsOptions {
  /** The stores' names. */
  readonly stores: readonly string[];
  readonly requirement: Requirement;
  readonly lookIntervalMs: number;
  readonly clock: Clock;
  /** Called whenever the verdict over all stores, or a finding behind it, changes. */
  readonly tell: (event: Extract<DaemonEvent, { kind: "verdict" }>) => void;
}

/** Findings that don't contradict that the store holds the node's state. */
const besideTheState: readonly FindingCode[] = [
  "drill-failed",
  "limbo-not-covered",
  "also-missing",
];

type Limbo = Pick<RunEvidence, "uncovered" | "missingAlso">;

/** Judges each store of a run, then all of them together: see `judgeStores`. */
export class RunVerdicts {
  readonly #options: RunVerdictsOptions;
  readonly #runs: ReadonlyMap<string, RunVerdict>;
  readonly #limbo = new Map<string, Limbo>();
  /** Stores that have been read back once, or are in trouble. */
  readonly #known = new Set<string>();
  #told = "";

  constructor(options: RunVerdictsOptions) {
    const { stores, lookIntervalMs, clock } = options;
    this.#options = options;
    this.#runs = new Map(
      stores.map((store) => [
        store,
        new RunVerdict({
          store,
          lookIntervalMs,
          clock,
          limbo: () => this.#limbo.get(store) ?? { uncovered: [], missingAlso: [] },
          tell: () => void this.#known.add(store),
        }),
      ]),
    );
  }

  /** Gives access to what the store's swapper knows of funds in limbo, read at each judgement. */
  attach(store: string, limbo: Limbo): void {
    this.#limbo.set(store, limbo);
  }

  /** Takes in the last drill recorded in a store. */
  lastDrill(store: string, last: LastDrill): void {
    this.#runs.get(store)?.lastDrill(last);
    this.#tellIfChanged();
  }

  /** Takes in an event of one store, or of the node. */
  hear(event: DaemonEvent): void {
    if (event.kind === "verdict") return;
    for (const [store, run] of this.#runs) {
      if (event.store === null || event.store === store) run.hear(event);
    }
    this.#tellIfChanged();
  }

  /** Judges again and reports a change, because proofs age. */
  review(): void {
    for (const run of this.#runs.values()) run.review();
    this.#tellIfChanged();
  }

  #tellIfChanged(): void {
    const judged = this.judge();
    // "Nothing was read back yet" is no news at the start.
    const isKnown = judged.verdict !== "unknown" || this.#known.size === this.#runs.size;
    const mark = [
      judged.verdict,
      ...judged.findings.map(({ code, level, store }) => `${code} ${level} ${store}`).sort(),
    ].join("\n");
    if (!isKnown || mark === this.#told) return;
    this.#told = mark;
    const [only, another] = this.#options.stores;
    const store = another === undefined ? (only ?? null) : null;
    this.#options.tell({ kind: "verdict", ...judged, store });
  }

  /** The situation now, for notifications. */
  situation(node: string): Situation {
    const { verdict, findings } = this.judge();
    const located = findings.map(({ store, tolerated, ...finding }) => ({
      node,
      store,
      finding,
      tolerated,
    }));
    return { verdict, findings: located, provedAtMs: this.#provedAtMs() };
  }

  /**
   * When the store was last read back, if nothing known of it now contradicts that it holds the node's
   * state; otherwise null. A drill's result doesn't contradict it. Monotonic.
   */
  heldSinceMs(store: string): number | null {
    const run = this.#runs.get(store);
    const isDoubted = run?.judge().findings.some(({ code }) => !besideTheState.includes(code));
    return isDoubted === false ? (run?.readBackAtMs ?? null) : null;
  }

  /** The time since which as many stores as required have been read back. */
  #provedAtMs(): number | null {
    const { requirement, stores } = this.#options;
    const times = [...this.#runs.values()]
      .map(({ readBackAtMs }) => readBackAtMs)
      .filter((atMs) => atMs !== null)
      .sort((a, b) => b - a);
    return times[neededOf(requirement, stores.length) - 1] ?? null;
  }

  judge(): ReturnType<typeof judgeStores> & { readonly stores: readonly StoreJudgement[] } {
    const stores = [...this.#runs].map(([store, run]) => ({ store, ...run.judge() }));
    return { ...judgeStores(stores, this.#options.requirement), stores };
  }
}
