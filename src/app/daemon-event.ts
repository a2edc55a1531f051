import type { DrillReport } from "../checks/drill/drill-report.ts";
import type { Verdict } from "../checks/finding.ts";
import type { StoreFinding, StoreJudgement } from "../checks/stores-verdict.ts";
import type { MirrorEvent } from "../mirror/events.ts";
import type { ScbError } from "../runtime/error.ts";
import type { Wait } from "./waits.ts";

/** What the mirror of one store tells. */
export type StoreEvent =
  | {
      readonly kind: "started";
      readonly node: string;
      readonly source: string;
      /** What the store holds as current; 0 for nothing yet. */
      readonly sequence: number;
      /** Versions are only ever added: nothing keeps a second mirror apart from this one. */
      readonly appendOnly: boolean;
    }
  | MirrorEvent
  /** The store was empty, and holds now what the best of the others does. */
  | { readonly kind: "levelled"; readonly from: string; readonly versions: number }
  | { readonly kind: "drilled"; readonly report: DrillReport }
  /**
   * A person has to mend this store; the others go on, and it is looked at again after `retryInMs`, or
   * not in this run.
   */
  | { readonly kind: "failed"; readonly error: ScbError; readonly retryInMs: number | null };

/** What is told of the node that all stores share. */
type NodeEvent = Extract<MirrorEvent, { readonly kind: "retrying" | "recovered" }>;

/** What a run tells of itself. `store`: the name of the store that it is about, null for none of them. */
export type DaemonEvent =
  | (StoreEvent & { readonly store: string })
  | (NodeEvent & { readonly store: null })
  /** The verdict over all stores, or what it rests on, has changed. */
  | {
      readonly kind: "verdict";
      readonly verdict: Verdict;
      readonly findings: readonly StoreFinding[];
      /** Each store by itself, in the order of `--to`. */
      readonly stores: readonly StoreJudgement[];
      /** Null if there are several. */
      readonly store: string | null;
    }
  /** Nothing has come for a while: what is waited for, and since when. */
  | { readonly kind: "waiting"; readonly wait: Wait; readonly store: null }
  | {
      readonly kind: "stopped";
      /**
       * What became of the last state that was looked at: the stores that are needed hold it, or a guard
       * held it back; null where none was looked at.
       */
      readonly last: "saved" | "refused" | null;
      /** How many stores hold it. */
      readonly saved: number;
      readonly of: number;
      readonly store: null;
    };
