import type { Encrypter } from "../../keychain/encrypter.ts";
import { type AlsoRestore, joinedAlso } from "../../repository/also-restore.ts";
import { newestVersion } from "../../repository/base.ts";
import { fetchBackup, type RestoredBackup } from "../../repository/fetch-backup.ts";
import { currentOrNull } from "../../repository/history.ts";
import { ScbError } from "../../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";
import { formatOutPoint } from "../../wire/out-point.ts";

/** An older version that a restore needs besides, as it was fetched. */
export interface AlsoBackup {
  readonly needed: AlsoRestore;
  /** Null if it is missing, damaged, or could not be read. */
  readonly backup: RestoredBackup | null;
  /** Why it doesn't bring back all that it is needed for; null if nothing is wrong. */
  readonly error: ScbError | null;
}

export interface AlsoOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly encrypter?: Encrypter | undefined;
}

/**
 * Which versions a restore of `backup` needs besides: those that the pointer names, for whatever
 * version is chosen, since the funds that they hold are still to come. A version that the pointer
 * doesn't account for names its own too. Throws what the store throws.
 */
export async function alsoNeeded(
  { store, signal }: AlsoOptions,
  backup: RestoredBackup,
): Promise<readonly AlsoRestore[]> {
  const current = await currentOrNull(store, { signal });
  const held = current === null ? await newestVersion(store, { signal }) : current.held;
  const isExplained = current?.held != null && backup.sequence < current.held.sequence;
  const named = joinedAlso(held?.alsoRestore ?? [], isExplained ? [] : backup.alsoRestore);
  return named.filter(({ key }) => key !== backup.key);
}

/**
 * Fetches and checks each of them, as `fetchBackup` does. One that can't be had never keeps the others
 * from being restored. Throws "aborted".
 */
export async function fetchAlso(
  options: AlsoOptions,
  needed: readonly AlsoRestore[],
): Promise<readonly AlsoBackup[]> {
  const fetched: AlsoBackup[] = [];
  for (const one of needed) {
    try {
      const backup = await fetchBackup({ ...options, which: one.key, sha256: one.sha256 });
      fetched.push({ needed: one, backup, error: lacking(one, backup) });
    } catch (error) {
      const known = ScbError.from(error);
      if (known.code === "aborted" || known.code === "internal") throw known;
      fetched.push({ needed: one, backup: null, error: known });
    }
  }
  return fetched;
}

/** With a key the version itself shows whether it holds what it was kept for. */
function lacking(
  { key, channelPoints }: AlsoRestore,
  { singles }: RestoredBackup,
): ScbError | null {
  if (singles === null) return null;
  const held = new Set(singles.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint)));
  const gone = channelPoints.filter((point) => !held.has(point));
  if (gone.length === 0) return null;
  return new ScbError("version-damaged", `${key} doesn't hold ${gone.join(", ")}`);
}
