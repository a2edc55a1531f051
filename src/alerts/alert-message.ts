import type { Verdict } from "../checks/finding.ts";
import type { LocatedFinding } from "./situation.ts";

/**
 * - `alert`: something new is wrong or not known.
 * - `reminder`: something that was reported a day ago hasn't changed.
 * - `over`: something that was reported hasn't been seen for a while.
 * - `test`: a person is testing whether messages arrive.
 */
export type AlertKind = "alert" | "reminder" | "over" | "test";

/** What a message says about one finding. */
export interface ToldTrouble extends LocatedFinding {
  /** "new": reported for the first time. "still": reported before. "over": no longer seen. */
  readonly state: "new" | "still" | "over";
  /** When it was first seen, milliseconds since 1970. */
  readonly since: number;
  /** How often it came, if it comes and goes. */
  readonly times: number;
}

export interface AlertMessage {
  readonly kind: AlertKind;
  /** The verdict when the message was made. */
  readonly verdict: Verdict;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** New ones first. */
  readonly troubles: readonly ToldTrouble[];
}
