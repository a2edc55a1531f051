import type { Encrypter } from "../../keychain/encrypter.ts";
import { fetchBackup, type RestoredBackup } from "../../repository/fetch-backup.ts";
import { currentOrNull, listVersions } from "../../repository/history.ts";
import { hasCode } from "../../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

/** What can be wrong with the newest version, so that an older one is worth a look. */
export const damageCodes = [
  "not-found",
  "version-damaged",
  "decrypt",
  "decode",
  "pointer-damaged",
  "pointer-lost",
] as const;

/** So many that are whole and do not open say that it is the key that is wrong. */
const mostSealed = 8;

/**
 * The newest version that checks out, where the one that the pointer names does not: never taken by
 * itself, only to be offered. Null where there is none, or where the key opens none of the newest.
 */
export async function newestGoodBackup(
  options: RequestOptions & {
    readonly store: ObjectStore;
    readonly encrypter?: Encrypter | undefined;
  },
): Promise<RestoredBackup | null> {
  const { store, signal } = options;
  const current = await currentOrNull(store, { signal });
  // What else has the pointer's sequence, or a higher one, never became current.
  const below = current?.held?.sequence ?? Infinity;
  const versions = await listVersions(store, undefined, { signal });
  const sequences = new Set(versions.map(({ sequence }) => sequence).filter((n) => n < below));
  let sealed = 0;
  for (const sequence of [...sequences].reverse()) {
    try {
      const backup = await fetchBackup({ ...options, which: String(sequence) });
      if (backup.verified.hash || backup.verified.decrypted) return backup;
    } catch (error) {
      // "usage": of two versions with one sequence nobody can say which was current.
      if (!hasCode(error, "usage", ...damageCodes)) throw error;
      if (error.code === "decrypt") sealed += 1;
      if (sealed === mostSealed) return null;
    }
  }
  return null;
}
