import type { EngineEvent } from "../chanbackup/engine-events.ts";
import { isInconclusive } from "../checks/drill/drill-report.ts";
import type { Finding, Verdict } from "../checks/finding.ts";
import { judgeRun, type RunEvidence, type RunPolicy } from "../checks/run-verdict.ts";
import type { LastDrill } from "../repository/drill-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ScbError } from "../runtime/error.ts";
import type { DaemonEvent, StoreEvent } from "./daemon-event.ts";

export interface RunVerdictOptions extends RunPolicy {
  /** The store's name. */
  readonly store: string;
  readonly clock: Clock;
  /** What the swapper currently knows of funds in limbo. */
  readonly limbo: () => Pick<RunEvidence, "uncovered" | "missingAlso">;
  /** Called whenever the verdict, or a finding behind it, changes. */
  readonly tell: (verdict: Verdict, findings: readonly Finding[]) => void;
}

/** Events of either mode; what a saved state is known by doesn't matter here. */
export type RunEvent = DaemonEvent | StoreEvent | EngineEvent<object, object>;

/** Evidence from events. The rest is collected when it is judged. */
type Heard = Omit<RunEvidence, "atMs" | "store" | "uncovered" | "missingAlso">;

/** Collects evidence from a run's events and has it judged: see `judgeRun`. */
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
  /** Why the node last failed to give a state. Trouble that its source reports is separate. */
  #unanswered: ScbError | null = null;
  /** The verdict last reported, with the codes of its findings. */
  #told = "";

  constructor(options: RunVerdictOptions) {
    this.#options = options;
  }

  /** Takes in an event. Reports no verdict until the store has been read back or is in trouble. */
  hear(event: RunEvent): void {
    this.#take(event);
    this.review();
  }

  /** Takes in the last drill recorded in the store, whoever ran it. */
  lastDrill({ ok, at, key, verdict }: LastDrill): void {
    const found = verdict === "unknown" ? "couldn't look" : "found that a restore would not work";
    this.#set({ drillFailure: ok ? null : `the last drill, ${at}, ${found} (${key} says why)` });
    this.review();
  }

  /** Judges again and reports a change, because proofs age. */
  review(): void {
    const { verdict, findings } = this.judge();
    const isKnown = verdict !== "unknown" || this.#told !== "";
    const mark = [verdict, ...findings.map(({ code }) => code).sort()].join(" ");
    if (!isKnown || mark === this.#told) return;
    this.#told = mark;
    this.#options.tell(verdict, findings);
  }

  /** When the version was last read back whole and correct; null if never. Monotonic. */
  get readBackAtMs(): number | null {
    return this.#readBackAtMs;
  }

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
        // Only reading back what was saved again makes up for a loss.
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
        // A node that recovers says nothing about the store. A store's mirror reads back only when
        // nothing is due.
        this.#set(isOfSource ? { nodeTrouble: null } : { trouble: null, unsavedSinceMs: null });
        break;
      case "lost":
        this.#set({ lost: event.error, provedAtMs: null });
        this.#readBackAtMs = null;
        break;
      case "drilled": {
        // An inconclusive drill is repeated soon. Until then the last result still counts.
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

/** Whether the error is the node's and not the store's. */
export function isOfNode({ code }: ScbError): boolean {
  return code.startsWith("node-") || code === "io";
}
