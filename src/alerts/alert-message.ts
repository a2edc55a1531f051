import type { Verdict } from "../checks/finding.ts";
import type { LocatedFinding } from "./situation.ts";

/**
 * - `alert`: something is wrong, or not known, that wasn't told yet.
 * - `reminder`: what was told a day ago is still so.
 * - `over`: something that was told has not been seen for a while.
 * - `test`: a person wants to know whether messages arrive.
 */
export type AlertKind = "alert" | "reminder" | "over" | "test";

/** What a message says of one finding. */
export interface ToldTrouble extends LocatedFinding {
  /** "new": in this message for the first time. "still": was told before. "over": isn't seen any more. */
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
  /** The new ones first. */
  readonly troubles: readonly ToldTrouble[];
}
