import type { EngineEvent } from "../chanbackup/engine-events.ts";
import { isInconclusive } from "../checks/drill/drill-report.ts";
import type { Finding, Verdict } from "../checks/finding.ts";
import { judgeRun, type RunEvidence, type RunPolicy } from "../checks/run-verdict.ts";
import type { LastDrill } from "../repository/drill-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ScbError } from "../runtime/error.ts";
import type { DaemonEvent, StoreEvent } from "./daemon-event.ts";

export interface RunVerdictOptions extends RunPolicy {
  /** The store's location. */
  readonly store: string;
  readonly clock: Clock;
  /** What the swapper knows now of funds in limbo. */
  readonly limbo: () => Pick<RunEvidence, "uncovered" | "missingAlso">;
  /** Hears the verdict whenever it, or what it rests on, changes. */
  readonly tell: (verdict: Verdict, findings: readonly Finding[]) => void;
}

/** Whatever mode it comes from: what a saved state is known by doesn't matter here. */
export type RunEvent = DaemonEvent | StoreEvent | EngineEvent<object, object>;

/** What events tell; the rest is asked for when it is judged. */
type Heard = Omit<RunEvidence, "atMs" | "store" | "uncovered" | "missingAlso">;

/** Collects what a run goes through, and has it judged: see `judgeRun`. */
export class RunVerdict {
  readonly #options: RunVerdictOptions;
  #evidence: Heard = {
    unsavedSinceMs: null,
    trouble: null,
    nodeTrouble: null,
    refusal: null,
    lost: null,
    provedAtMs: null,
    drillFailure: null,
  };
  #readBackAtMs: number | null = null;
  /** Why the node gave no state when it was last asked for one; what its source tells is another thing. */
  #unanswered: ScbError | null = null;
  /** The verdict that was told, and the codes of what it rests on. */
  #told = "";

  constructor(options: RunVerdictOptions) {
    this.#options = options;
  }

  /** Takes in what happened. Nothing is told before the store was once read back, or is in trouble. */
  hear(event: RunEvent): void {
    this.#take(event);
    this.review();
  }

  /** Takes in the last drill that the store knows of, whoever made it. */
  lastDrill({ ok, at, key, verdict }: LastDrill): void {
    const found = verdict === "unknown" ? "couldn't look" : "found that a restore would not work";
    this.#set({ drillFailure: ok ? null : `the last drill, ${at}, ${found} (${key} says why)` });
    this.review();
  }

  /** Tells if time alone has changed it: what was proved grows old. */
  review(): void {
    const { verdict, findings } = this.judge();
    const isKnown = verdict !== "unknown" || this.#told !== "";
    const mark = [verdict, ...findings.map(({ code }) => code).sort()].join(" ");
    if (!isKnown || mark === this.#told) return;
    this.#told = mark;
    this.#options.tell(verdict, findings);
  }

  /** When the version was last read back whole, and was what it should be; null for never. Monotonic. */
  get readBackAtMs(): number | null {
    return this.#readBackAtMs;
  }

  /** As of now. */
  judge(): ReturnType<typeof judgeRun> {
    const { store, clock, limbo } = this.#options;
    const { uncovered, missingAlso } = limbo();
    const evidence = {
      ...this.#evidence,
      nodeTrouble: this.#evidence.nodeTrouble ?? this.#unanswered,
      atMs: clock.monotonicMs(),
      store,
      uncovered,
      missingAlso,
    };
    return judgeRun(evidence, this.#options);
  }

  #take(event: RunEvent): void {
    const nowMs = this.#options.clock.monotonicMs();
    const isOfSource = "store" in event && event.store === null;
    const hasAnswered = ["swapped", "unchanged", "refused", "recovered"].includes(event.kind);
    if (hasAnswered && !isOfSource) this.#unanswered = null;
    switch (event.kind) {
      case "swapped":
        this.#set({ unsavedSinceMs: null, trouble: null, refusal: null });
        break;
      case "unchanged":
        this.#set({ unsavedSinceMs: null, trouble: null, lost: null, provedAtMs: nowMs });
        this.#readBackAtMs = nowMs;
        break;
      case "confirmed":
        this.#set({ trouble: null, provedAtMs: nowMs });
        // What was lost is made good only by reading back what was saved anew.
        if (event.depth !== "version") break;
        this.#set({ lost: null });
        this.#readBackAtMs = nowMs;
        break;
      case "refused": {
        const { message, quarantineKey: key } = event;
        this.#set({ unsavedSinceMs: null, refusal: { message, key } });
        break;
      }
      case "retrying":
        this.#troubled(event.error, isOfSource, nowMs);
        break;
      case "recovered":
        // A node that is back says nothing of the store. A store's mirror looks only when nothing is due.
        this.#set(isOfSource ? { nodeTrouble: null } : { trouble: null, unsavedSinceMs: null });
        break;
      case "lost":
        this.#set({ lost: event.error, provedAtMs: null });
        this.#readBackAtMs = null;
        break;
      case "drilled": {
        // It could see too little to judge, and is repeated soon: what the last one found still counts.
        if (isInconclusive(event.report)) break;
        const [problem] = event.report.problems;
        this.#set({ drillFailure: event.report.ok ? null : (problem?.message ?? "it failed") });
        break;
      }
      case "failed": {
        const unsavedSinceMs = this.#evidence.unsavedSinceMs ?? nowMs;
        this.#set({ trouble: event.error, unsavedSinceMs, provedAtMs: null });
        break;
      }
      case "started":
      case "levelled":
      case "stopped":
      case "verdict":
      case "waiting":
        break;
    }
  }

  #troubled(error: ScbError, isOfSource: boolean, nowMs: number): void {
    if (isOfNode(error) && isOfSource) this.#set({ nodeTrouble: error });
    else if (isOfNode(error)) this.#unanswered = error;
    else {
      const { unsavedSinceMs } = this.#evidence;
      this.#set({ trouble: error, unsavedSinceMs: unsavedSinceMs ?? nowMs });
    }
  }

  #set(change: Partial<Heard>): void {
    this.#evidence = { ...this.#evidence, ...change };
  }
}

/** Whether it is the node that doesn't answer, and not the store. */
export function isOfNode({ code }: ScbError): boolean {
  return code.startsWith("node-") || code === "io";
}
