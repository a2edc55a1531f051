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

/** What can be wrong with a version, so that another one is worth a look. */
export const damageCodes = [
  "not-found",
  "version-damaged",
  "decrypt",
  "decode",
  "pointer-damaged",
  "pointer-lost",
] as const;

/** If so many are whole and don't open, it is the key that is wrong. */
const mostSealed = 8;

export interface IntactBackup {
  readonly backup: RestoredBackup;
  /** The pointer names it, or once did. False: it was uploaded, and never became current. */
  readonly wasCurrent: boolean;
}

export interface NewestIntactOptions extends RequestOptions {
  readonly store: ObjectStore;
  readonly encrypter?: Encrypter | undefined;
  /** Only versions of a later sequence. Default 0. */
  readonly after?: number | undefined;
}

/**
 * The newest intact version, whether it ever became current or not: a person has to choose it. A
 * version beyond the pointer counts, for its snapshot was taken after the current one's; of two with
 * one sequence the one that was current comes first. Null if there is none, or if the key opens none
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
