import type { DrillReport } from "../checks/drill/drill-report.ts";
import type { Verdict } from "../checks/finding.ts";
import type { StoreFinding, StoreJudgement } from "../checks/stores-verdict.ts";
import type { MirrorEvent } from "../mirror/events.ts";
import type { ScbError } from "../runtime/error.ts";
import type { Wait } from "./waits.ts";

/** An event of one store's mirror. */
export type StoreEvent =
  | {
      readonly kind: "started";
      readonly node: string;
      readonly source: string;
      /** The store's current sequence; 0 if it holds no version yet. */
      readonly sequence: number;
      /** The store only ever adds versions, so it can't keep a second mirror apart from this one. */
      readonly appendOnly: boolean;
    }
  | MirrorEvent
  /** The store was empty and was filled with what the most recent other store holds. */
  | { readonly kind: "levelled"; readonly from: string; readonly versions: number }
  | { readonly kind: "drilled"; readonly report: DrillReport }
  /**
   * Somebody has to fix this store. The other stores carry on. This one is retried after `retryInMs`;
   * null means not in this run.
   */
  | { readonly kind: "failed"; readonly error: ScbError; readonly retryInMs: number | null };

/** Events of the node, which all stores share. */
type NodeEvent = Extract<MirrorEvent, { readonly kind: "retrying" | "recovered" }>;

/** An event of a run. `store` is the name of the store concerned, or null if it concerns none. */
export type DaemonEvent =
  | (StoreEvent & { readonly store: string })
  | (NodeEvent & { readonly store: null })
  /** The verdict over all stores, or a finding behind it, has changed. */
  | {
      readonly kind: "verdict";
      readonly verdict: Verdict;
      readonly findings: readonly StoreFinding[];
      /** The judgement of each store, in the order of `--to`. */
      readonly stores: readonly StoreJudgement[];
      /** The store's name, or null if there are several. */
      readonly store: string | null;
    }
  /** Nothing has happened for a while: what the run is waiting for, and since when. */
  | { readonly kind: "waiting"; readonly wait: Wait; readonly store: null }
  | {
      readonly kind: "stopped";
      /**
       * The fate of the last state examined: saved in as many stores as required, or refused by a guard.
       * Null if no state was examined.
       */
      readonly last: "saved" | "refused" | null;
      /** How many stores hold that state. */
      readonly saved: number;
      readonly of: number;
      readonly store: null;
    };
