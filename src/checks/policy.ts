/**
 * The question to answer.
 * - `mirror`: is this node safe? The current backup is intact, holds what the node has, is fresh, and
 *   nothing newer was refused or lost.
 * - `restore`: would a restore of the current backup work today? Its age matters only if no node confirmed
 *   that the backup holds everything.
 */
export type Question = "mirror" | "restore";

export interface Policy {
  readonly question: Question;
  /** A running mirror saves a version at least every refresh interval: an older one means that it stopped. */
  readonly maxAgeMs: number;
  /**
   * How long mirrors that write attestations may be silent. Null if it doesn't matter, as for a restore.
   */
  readonly maxSilenceMs: number | null;
}
