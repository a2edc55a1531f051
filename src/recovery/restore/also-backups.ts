import type { Encrypter } from "../../keychain/encrypter.ts";
import { type AlsoRestore, joinedAlso } from "../../repository/also-restore.ts";
import { newestVersion } from "../../repository/base.ts";
import {
  type FetchBackupOptions,
  fetchBackup,
  type RestoredBackup,
} from "../../repository/fetch-backup.ts";
import { currentOrNull } from "../../repository/history.ts";
import { ScbError } from "../../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";
import { formatOutPoint } from "../../wire/out-point.ts";

/** An older version that a restore also needs, as fetched. */
export interface AlsoBackup {
  readonly needed: AlsoRestore;
  /** Null if it is missing, damaged, or could not be read. */
  readonly backup: RestoredBackup | null;
  /** Why it can't bring back everything that it is needed for; null if nothing is wrong. */
  readonly error: ScbError | null;
}

export interface AlsoOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly encrypter?: Encrypter | undefined;
}

/**
 * Which older versions a restore of `backup` also needs: those that the pointer names, whichever version
 * is restored, because their funds haven't arrived yet. A version that the pointer doesn't account for
 * adds those that it names itself. Throws what the store throws.
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

/** Another store, and the versions that it names, under keys of its own. */
export interface AlsoElsewhere extends AlsoOptions {
  readonly named: readonly { readonly key: string; readonly sha256: string | null }[];
}

/**
 * Fetches and checks each of them, as `fetchBackup` does; if one isn't intact in the first store, fetches
 * the same bytes from another. A version that can't be fetched never keeps the others from being restored.
 * Throws "aborted".
 */
export async function fetchAlso(
  options: AlsoOptions,
  needed: readonly AlsoRestore[],
  elsewhere: readonly AlsoElsewhere[] = [],
): Promise<readonly AlsoBackup[]> {
  const fetched: AlsoBackup[] = [];
  for (const one of needed) {
    const { key, sha256 } = one;
    const backup = await fetchOrError({ ...options, which: key, sha256 });
    const whole = backup instanceof ScbError ? await fetchElsewhere(one, elsewhere) : backup;
    fetched.push({
      needed: one,
      backup: whole,
      error: whole !== null ? lacking(one, whole) : backup instanceof ScbError ? backup : null,
    });
  }
  return fetched;
}

/** Looks for the same bytes, because a key means nothing in another store. */
async function fetchElsewhere(
  { key, sha256 }: AlsoRestore,
  elsewhere: readonly AlsoElsewhere[],
): Promise<RestoredBackup | null> {
  if (sha256 === null) return null;
  for (const { named, ...options } of elsewhere) {
    const keys = named.flatMap((one) => (one.sha256 === sha256 ? one.key : []));
    for (const which of new Set([...keys, key])) {
      const backup = await fetchOrError({ ...options, which, sha256 });
      if (!(backup instanceof ScbError) && backup.sha256 === sha256) return backup;
    }
  }
  return null;
}

async function fetchOrError(options: FetchBackupOptions): Promise<RestoredBackup | ScbError> {
  try {
    return await fetchBackup(options);
  } catch (error) {
    const known = ScbError.from(error);
    if (known.code === "aborted" || known.code === "internal") throw known;
    return known;
  }
}

/** If there is a key, checks that the version holds the channels that it is kept for. */
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
