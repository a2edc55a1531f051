import type { Encrypter } from "../../keychain/encrypter.ts";
import { fetchBackup, type RestoredBackup } from "../../repository/fetch-backup.ts";
import {
  currentOrNull,
  listVersions,
  readStandings,
  type StoredVersion,
} from "../../repository/history.ts";
import { hasCode } from "../../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

/** Faults of a version or pointer for which another version is worth trying. */
export const damageCodes = [
  "not-found",
  "version-damaged",
  "decrypt",
  "decode",
  "pointer-damaged",
  "pointer-lost",
] as const;

/** If this many intact versions don't open, the key is wrong. */
const mostSealed = 8;

export interface IntactBackup {
  readonly backup: RestoredBackup;
  /** The pointer names it, or once did. False if it was uploaded but never became current. */
  readonly wasCurrent: boolean;
}

export interface NewestIntactOptions extends RequestOptions {
  readonly store: ObjectStore;
  readonly encrypter?: Encrypter | undefined;
  /** Only versions beyond this sequence. Default 0. */
  readonly after?: number | undefined;
}

/**
 * The newest intact version, whether or not it ever became current. It is an offer: a person has to choose
 * it. A version beyond the pointer counts, because its snapshot was taken after the current one's. Of two
 * with the same sequence, the one that was current wins. Null if there is none, or if the key opens none
 * of the newest.
 */
export async function newestIntact(options: NewestIntactOptions): Promise<IntactBackup | null> {
  const { store, after = 0, signal } = options;
  const current = await currentOrNull(store, { signal });
  const listed = await listVersions(store, undefined, { signal });
  const versions = listed.filter(({ sequence }) => sequence > after);
  const standing = await readStandings(store, versions, current, { signal });
  const wasCurrent = ({ key }: StoredVersion): boolean => standing.get(key) === "lineage";
  const newestFirst = versions
    .toReversed()
    .sort((a, b) => b.sequence - a.sequence || Number(wasCurrent(b)) - Number(wasCurrent(a)));
  let sealed = 0;
  for (const version of newestFirst) {
    try {
      const backup = await fetchBackup({ ...options, which: version.key });
      if (backup.verified.hash || backup.verified.decrypted) {
        return { backup, wasCurrent: wasCurrent(version) };
      }
    } catch (error) {
      if (!hasCode(error, ...damageCodes)) throw error;
      if (error.code === "decrypt") sealed += 1;
      if (sealed === mostSealed) return null;
    }
  }
  return null;
}
