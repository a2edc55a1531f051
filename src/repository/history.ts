import { decodeTime } from "ulid";
import { hasCode, ScbError } from "../runtime/error.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { ListOptions, ObjectStore, RequestOptions } from "../store/object-store.ts";
import { type Base, emptyBase, newestVersion, readBase, readPointerBase } from "./base.ts";
import { parseVersionKey, type VersionName, versionsPrefix } from "./layout.ts";
import { headOf, keysToTellApart, type Standing, standings } from "./lineage.ts";
import { readPrunedRecord } from "./pruned-record.ts";
import { readVersion } from "./version.ts";
import { isSingleWriterVersion, metadataOf, readVersionMetadata } from "./version-metadata.ts";

/** One version as the store holds it. */
export interface StoredVersion extends VersionName {
  readonly sizeBytes: number;
  /** When the operation that wrote it began, by its writer's clock. Milliseconds since 1970. */
  readonly createdAt: number;
  /** When it was stored, by the store's clock. For a copy, that is later than `createdAt`. */
  readonly storedAt: number;
}

/**
 * The earlier of the two clocks, so that neither a copy nor a writer whose clock is ahead makes a version
 * look newer.
 */
export function savedAtOf({
  createdAt,
  storedAt,
}: Pick<StoredVersion, "createdAt" | "storedAt">): number {
  return Math.min(createdAt, storedAt);
}

/** One version of the history. */
export interface HistoryEntry extends StoredVersion {
  readonly sha256: string;
  /** The pointer names it. */
  readonly current: boolean;
  /** Uploaded but never made current, because another writer was first or a newer state came. */
  readonly orphan: boolean;
}

/** What a reader takes as current. Changes nothing. */
export async function readCurrent(store: ObjectStore, options?: RequestOptions): Promise<Base> {
  const named = await readPointerBase(store, options);
  if (named !== null) return named;
  const newest = await newestVersion(store, options);
  if (store.conditions === "none") {
    return newest === null ? emptyBase : { kind: "newest", held: newest };
  }
  if (newest !== null && isSingleWriterVersion(await metadataOf(store, newest.key, options))) {
    return { kind: "newest", held: newest };
  }
  return readBase(store, options);
}

/** The versions under a key prefix, oldest first. Ignores everything else there. */
export async function listVersions(
  store: ObjectStore,
  prefix: string = versionsPrefix,
  options?: ListOptions,
): Promise<StoredVersion[]> {
  const versions: StoredVersion[] = [];
  for await (const listed of store.list(prefix, options)) {
    const name = parseVersionKey(listed.key);
    if (name === null) continue;
    versions.push({
      ...name,
      sizeBytes: listed.sizeBytes,
      createdAt: decodeTime(name.operation),
      storedAt: listed.modifiedAt,
    });
  }
  return versions;
}

/**
 * The versions that became current while `versions` were being listed. With them, the listing includes
 * what the pointer names, if that exists.
 */
export async function listNewer(
  store: ObjectStore,
  versions: readonly StoredVersion[],
  current: Base | null,
  options?: RequestOptions,
): Promise<StoredVersion[]> {
  const last = versions.at(-1);
  const headSequence = current?.held?.sequence ?? 0;
  if (headSequence <= (last?.sequence ?? 0)) return [];
  const newer = await listVersions(store, versionsPrefix, { ...options, startAfter: last?.key });
  return newer.filter(({ sequence }) => sequence <= headSequence);
}

export interface ReadHistoryOptions extends RequestOptions {
  /** Return only this many, the newest. */
  readonly limit?: number | undefined;
  /** Called with how many versions of how many have been read. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface History {
  /** Newest first. */
  readonly entries: readonly HistoryEntry[];
  /** How many versions there are. */
  readonly total: number;
}

/**
 * The versions, newest first, with orphans marked. Each hash costs a request. If a version's metadata was
 * lost (a manual copy drops it), the hash is computed from its bytes.
 */
export async function readHistory(
  store: ObjectStore,
  { limit, onProgress, signal }: ReadHistoryOptions = {},
): Promise<History> {
  const versions = await listVersions(store, versionsPrefix, { signal });
  const current = versions.length === 0 ? null : await currentOrNull(store, { signal });
  versions.push(...(await listNewer(store, versions, current, { signal })));
  const standing = await readStandings(store, versions, current, { signal });
  const shown = (limit === undefined ? versions : versions.slice(-limit)).toReversed();
  const hashes = new Map<string, string>();
  await inParallel(shown, async ({ key }) => {
    const found = readVersionMetadata(await metadataOf(store, key, { signal }));
    hashes.set(key, found?.sha256 ?? (await hashOf(store, key, { signal })));
    onProgress?.(hashes.size, shown.length);
  });
  const entries = shown.map((version) => ({
    ...version,
    sha256: hashes.get(version.key) ?? "",
    current: version.key === current?.held?.key,
    orphan: ["orphan", "branch"].includes(standing.get(version.key) ?? ""),
  }));
  return { entries, total: versions.length };
}

/**
 * The standing of each version. Requests metadata only for versions that share a sequence, so this is
 * cheap for any history.
 */
export async function readStandings(
  store: ObjectStore,
  versions: readonly StoredVersion[],
  current: Base | null,
  { signal }: RequestOptions = {},
): Promise<Map<string, Standing>> {
  const previous = new Map<string, string | null>();
  await inParallel(keysToTellApart(versions), async (key) => {
    const metadata = readVersionMetadata(await metadataOf(store, key, { signal }));
    previous.set(key, metadata?.previous?.key ?? null);
  });
  const pruned = await readPrunedRecord(store, { signal }).catch((error: unknown) => {
    // The history is still readable without this record, and verify reports it.
    if (hasCode(error, "decode")) return null;
    throw error;
  });
  const previousOf = (key: string): string | null => previous.get(key) ?? null;
  return standings({ versions, head: headOf(current), previousOf, pruned });
}

/** What the pointer names; null if the pointer is lost or damaged, since the versions are still there. */
export async function currentOrNull(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<Base | null> {
  try {
    return await readCurrent(store, options);
  } catch (error) {
    const code = ScbError.from(error).code;
    if (code === "pointer-lost" || code === "pointer-damaged") return null;
    throw error;
  }
}

async function hashOf(store: ObjectStore, key: string, options?: RequestOptions): Promise<string> {
  const read = await readVersion(store, { key }, options);
  return read.kind === "missing" ? "" : read.sha256;
}
