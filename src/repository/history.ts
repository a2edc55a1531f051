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
  /** When it was put there, by the store's clock: later than that for a copy. */
  readonly storedAt: number;
}

/** The earlier of the two clocks: a writer whose clock is ahead, or a copy, makes nothing newer. */
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
  /** Uploaded, and never made current: another writer was first, or a newer state came. */
  readonly orphan: boolean;
}

/** What a reader takes for current, without changing anything. */
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

/** The versions under a prefix of their keys, oldest first. Anything else there is passed over. */
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
 * The versions that the pointer went on to while `versions` were listed: with them, what it names is
 * listed, if it is there at all.
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
  /** Only so many, the newest. */
  readonly limit?: number | undefined;
  /** Hears how many of how many were read. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface History {
  /** Newest first. */
  readonly entries: readonly HistoryEntry[];
  /** How many versions there are. */
  readonly total: number;
}

/**
 * The versions, newest first, with the lineage of the pointer told from orphans. The hash of each
 * costs a request; where its metadata was lost (a copy by hand drops it) the bytes are read for it.
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
 * What each version is. Only those that share a sequence are asked for their metadata, so this costs
 * next to nothing for any history.
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
    // A history can be looked at all the same, and verify tells.
    if (hasCode(error, "decode")) return null;
    throw error;
  });
  const previousOf = (key: string): string | null => previous.get(key) ?? null;
  return standings({ versions, head: headOf(current), previousOf, pruned });
}

/** What the pointer names, or null where it is lost or damaged: the versions are there all the same. */
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
