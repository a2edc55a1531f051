/**
 * What is asked.
 * - `mirror`: is this node safe? The current backup is whole, holds what the node has, is fresh, and
 *   nothing newer is held back or lost.
 * - `restore`: would a restore of the current backup work today? What was saved when counts only if no
 *   node was asked whether the backup holds all that it has.
 */
export type Question = "mirror" | "restore";

export interface Policy {
  readonly question: Question;
  /** A running mirror saves a version at least each refresh interval: an older one means it stopped. */
  readonly maxAgeMs: number;
  /**
   * A mirror that says of itself that it lives does so more often. Null if nobody asks for that, as for a
   * restore.
   */
  readonly maxSilenceMs: number | null;
}
