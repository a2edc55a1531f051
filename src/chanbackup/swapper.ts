import type { Encrypter } from "../keychain/encrypter.ts";
import type { Multi } from "./multi.ts";
import type { PackedMulti } from "./packed-multi.ts";

/**
 * Where the current backup is kept. `extractMulti` also fixes the base: a later `updateAndSwap`
 * replaces exactly the backup that was extracted, and nothing else. Source: lnd `chanbackup.Swapper`.
 */
export interface Swapper {
  /**
   * Makes `newBackup` the current backup in one atomic step. Resolves only when the commit is known.
   *
   * Throws `superseded` when another writer has replaced the base: extract, merge and pack again.
   * Throws `refused` when a guard held the candidate back, and what a store throws otherwise.
   */
  updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void>;
  /** The current backup, decrypted; null where there is none yet. */
  extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null>;
}
