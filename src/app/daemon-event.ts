import type { DrillReport } from "../checks/drill/drill-report.ts";
import type { Finding, Verdict } from "../checks/finding.ts";
import type { MirrorEvent } from "../mirror/events.ts";
import type { Wait } from "./waits.ts";

/** What a run tells of itself. */
export type DaemonEvent =
  | {
      readonly kind: "started";
      readonly node: string;
      readonly source: string;
      readonly store: string;
      /** What the store holds as current; 0 for nothing yet. */
      readonly sequence: number;
    }
  | MirrorEvent
  | { readonly kind: "drilled"; readonly report: DrillReport }
  /** The verdict, or what it rests on, has changed. */
  | {
      readonly kind: "verdict";
      readonly verdict: Verdict;
      readonly findings: readonly Finding[];
      readonly store: string;
    }
  /** Nothing has come for a while: what is waited for, and since when. */
  | { readonly kind: "waiting"; readonly wait: Wait }
  | {
      readonly kind: "stopped";
      /**
       * What became of the last state that was looked at: the store holds it, or a guard held it
       * back; null where none was looked at.
       */
      readonly last: "saved" | "refused" | null;
    };
