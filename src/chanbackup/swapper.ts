import type { Encrypter } from "../keychain/encrypter.ts";
import type { HeldBackup } from "./freshness.ts";
import type { LookDepth, LookOutcome } from "./look.ts";
import type { Multi } from "./multi.ts";
import type { PackedMulti } from "./packed-multi.ts";

/**
 * Where the current backup is kept. `extractMulti` also fixes the base: a later `updateAndSwap`
 * replaces exactly the backup that was extracted, and nothing else. Source: lnd `chanbackup.Swapper`.
 *
 * An error that time may heal has to be an `ScbError` with "store-busy", "store-unknown" or "io":
 * any other ends a SubSwapper.
 */
export interface Swapper {
  /**
   * Makes `newBackup` the current backup in one atomic step. Resolves only when the commit is known.
   *
   * Throws "superseded" when the base was replaced, or when there is none: extract, merge and pack
   * again. Throws "refused" when a guard held the candidate back, and what a store throws otherwise.
   */
  updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void>;
  /**
   * The current backup, decrypted, as it is now; null if there is none yet. Throws "went-back" once if
   * what was saved is lost there: the next call gives what there is. Throws "superseded" if it was
   * replaced while it was read.
   */
  extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null>;
  /**
   * As `extractMulti`, but may answer from what was saved or read before: for a caller that is about
   * to swap, since a swap onto another base fails. Default: `extractMulti`.
   */
  extractBase?(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null>;
  /**
   * Reads back what was extracted or saved last. Throws "superseded" if another writer has replaced
   * it, and what a store throws. Without it a SubSwapper takes the swapper's word.
   */
  look?(depth: LookDepth, signal?: AbortSignal): Promise<LookOutcome>;
  /** Whether an earlier swap may yet land on what was extracted last: only another swap prevents it. */
  readonly isInDoubt?: boolean;
  /** What was extracted or saved last; null for nothing. Without it a backup's age isn't known. */
  readonly held?: HeldBackup | null;
}
