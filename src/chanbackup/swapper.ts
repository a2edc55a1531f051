import type { Encrypter } from "../keychain/encrypter.ts";
import type { HeldBackup } from "./freshness.ts";
import type { LookDepth, LookOutcome } from "./look.ts";
import type { Multi } from "./multi.ts";
import type { PackedMulti } from "./packed-multi.ts";

/**
 * Where the current backup is kept. `extractMulti` also fixes the base: a later `updateAndSwap` replaces
 * exactly the backup that was extracted, and nothing else. Source: lnd `chanbackup.Swapper`.
 *
 * Errors that may pass with time must be an `ScbError` with "store-busy", "store-unknown" or "io": any
 * other error ends a SubSwapper.
 */
export interface Swapper {
  /**
   * Makes `newBackup` the current backup in one atomic step. Resolves only when the commit is known.
   *
   * Throws "superseded" if the base was replaced, or if there is none: extract, merge and pack again.
   * Throws "refused" if a guard refused the candidate, and otherwise what a store throws.
   */
  updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void>;
  /**
   * The current backup, read now and decrypted; null if there is none yet. Throws "went-back" once if
   * what was saved is lost there: the next call returns what there is. Throws "superseded" if the backup
   * was replaced while it was read.
   */
  extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null>;
  /**
   * As `extractMulti`, but may answer from what was saved or read before: for callers about to swap,
   * since a swap onto another base fails. Default: `extractMulti`.
   */
  extractBase?(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null>;
  /**
   * Reads back what was last extracted or saved. Throws "superseded" if another writer has replaced it,
   * and what a store throws. Without it, a SubSwapper trusts the swapper.
   */
  look?(depth: LookDepth, signal?: AbortSignal): Promise<LookOutcome>;
  /**
   * Whether an earlier swap may still land on what was last extracted: only another swap prevents that.
   */
  readonly isInDoubt?: boolean;
  /** What was last extracted or saved; null for nothing. Without it, a backup's age isn't known. */
  readonly held?: HeldBackup | null;
}
