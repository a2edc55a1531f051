import PQueue from "p-queue";
import { decodeTime } from "ulid";
import { type Base, newestVersion, pointerBase, readBase } from "../mirror/base.ts";
import { latestKey, parseVersionKey, type VersionName, versionsPrefix } from "../mirror/layout.ts";
import { decodePointer } from "../mirror/pointer.ts";
import {
  isSingleWriterVersion,
  metadataOf,
  readVersionMetadata,
  type VersionMetadata,
} from "../mirror/version-metadata.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";

/** Metadata is one request a version; more at once gains nothing and strains a small store. */
const concurrentReads = 16;

/** One version as the store holds it. */
export interface StoredVersion extends VersionName {
  readonly sizeBytes: number;
  /** When the operation that wrote it began, by its writer's clock. Milliseconds since 1970. */
  readonly createdAt: number;
  /** When it was put there, by the store's clock: later than that for a copy. */
  readonly storedAt: number;
}

export interface HistoryEntry extends StoredVersion {
  readonly sha256: string;
  /** The pointer names it. */
  readonly current: boolean;
  /** Uploaded, and never made current: another writer was first, or a newer state came. */
  readonly orphan: boolean;
}

/** What a reader takes for current, without changing anything. */
export async function readCurrent(store: ObjectStore, options?: RequestOptions): Promise<Base> {
  const object = await store.get(latestKey, options);
  if (object !== null) {
    const pointer = decodePointer(object.bytes, `${store.location}/${latestKey}`);
    return pointerBase(pointer, object.etag, object.modifiedAt);
  }
  const newest = await newestVersion(store, options);
  if (newest === null) return { kind: "none", held: null, leftoverSizeBytes: 0 };
  if (isSingleWriterVersion(await metadataOf(store, newest.key, options))) {
    return { kind: "newest", held: newest };
  }
  return readBase(store, options);
}

/** The versions under a prefix of their keys, oldest first. Anything else there is passed over. */
export async function listVersions(
  store: ObjectStore,
  prefix: string = versionsPrefix,
  options?: RequestOptions,
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
 * Every version, newest first, with the lineage of the pointer told from orphans. Where a version's
 * metadata was lost (a copy by hand drops it), its bytes are read for the hash, and what lies before
 * it is not called an orphan, since that cannot be known.
 *
 * `onProgress` hears how many of how many were read.
 */
export async function readHistory(
  store: ObjectStore,
  options?: RequestOptions & { readonly onProgress?: (done: number, total: number) => void },
): Promise<HistoryEntry[]> {
  const versions = await listVersions(store, versionsPrefix, options);
  // Read after the listing: what it names is then in the listing, or newer than all of it.
  const current = versions.length === 0 ? null : await currentOrNull(store, options);
  const metadata = new Map<string, VersionMetadata | null>();
  const hashes = new Map<string, string>();
  const queue = new PQueue({ concurrency: concurrentReads });
  let done = 0;
  await queue.addAll(
    versions.map((version) => async () => {
      const found = readVersionMetadata(await metadataOf(store, version.key, options));
      metadata.set(version.key, found);
      hashes.set(version.key, found?.sha256 ?? (await hashOf(store, version.key, options)));
      done += 1;
      options?.onProgress?.(done, versions.length);
    }),
  );
  const isOrphan = orphansOf(current, metadata);
  return versions
    .map((version) => ({
      ...version,
      sha256: hashes.get(version.key) ?? "",
      current: version.key === current?.held?.key,
      orphan: isOrphan(version),
    }))
    .reverse();
}

/** Finds one version. `which`: "latest", a sequence, or a key. Throws "not-found" or "usage". */
export async function findVersion(
  store: ObjectStore,
  which: string,
  options?: RequestOptions,
): Promise<VersionName & { readonly sha256: string | null; readonly committedAt: number }> {
  if (which === "latest") {
    const { held } = await readCurrent(store, options);
    if (held === null) {
      throw new ScbError("not-found", `there is no backup in ${store.location} yet`);
    }
    const name = parseVersionKey(held.key);
    if (name === null) throw new ScbError("internal", `${held.key} is not the key of a version`);
    return {
      ...name,
      sha256: held.sha256 === "" ? null : held.sha256,
      committedAt: held.committedAt,
    };
  }
  const name = /^\d+$/.test(which)
    ? await findSequence(store, Number(which), options)
    : parseVersionKey(which);
  if (name === null) {
    throw new ScbError(
      "usage",
      `${JSON.stringify(which)} is no version: give a sequence such as 12, a key such as versions/….backup, or "latest" (scb-mirror list shows them)`,
    );
  }
  const metadata = readVersionMetadata(await metadataOf(store, name.key, options));
  return { ...name, sha256: metadata?.sha256 ?? null, committedAt: decodeTime(name.operation) };
}

async function findSequence(
  store: ObjectStore,
  sequence: number,
  options?: RequestOptions,
): Promise<VersionName> {
  const prefix = `${versionsPrefix}${String(sequence).padStart(20, "0")}-`;
  const versions = await listVersions(store, prefix, options);
  const [only] = versions;
  if (only === undefined) {
    throw new ScbError(
      "not-found",
      `there is no version with sequence ${sequence} in ${store.location}: scb-mirror list shows what there is`,
    );
  }
  if (versions.length === 1) return only;
  const committed = (await readHistory(store, options)).filter(
    (entry) => entry.sequence === sequence && !entry.orphan,
  );
  const [chosen] = committed;
  if (committed.length === 1 && chosen !== undefined) return chosen;
  throw new ScbError(
    "usage",
    `${versions.length} versions have sequence ${sequence}: give one by its key (${versions.map((version) => version.key).join(", ")})`,
  );
}

/** A history can be listed even where the pointer is lost or damaged: then it marks nothing. */
async function currentOrNull(store: ObjectStore, options?: RequestOptions): Promise<Base | null> {
  try {
    return await readCurrent(store, options);
  } catch (error) {
    const code = ScbError.from(error).code;
    if (code === "pointer-lost" || code === "pointer-damaged") return null;
    throw error;
  }
}

function orphansOf(
  current: Base | null,
  metadata: ReadonlyMap<string, VersionMetadata | null>,
): (version: StoredVersion) => boolean {
  if (current === null || current.kind !== "pointer") return () => false;
  const lineage = new Set<string>();
  // From here down the lineage is known; below it is not, and nothing there is called an orphan.
  let knownDownTo = current.held.sequence;
  let key: string | null = current.held.key;
  while (key !== null && !lineage.has(key)) {
    lineage.add(key);
    knownDownTo = parseVersionKey(key)?.sequence ?? knownDownTo;
    const found: VersionMetadata | null = metadata.get(key) ?? null;
    key = found?.previous?.key ?? (key === current.held.key ? previousKeyOf(current) : null);
  }
  return (version) =>
    !lineage.has(version.key) &&
    version.sequence >= knownDownTo &&
    version.sequence <= current.held.sequence;
}

function previousKeyOf(current: Base): string | null {
  return current.kind === "pointer" ? (current.pointer.previous?.key ?? null) : null;
}

async function hashOf(store: ObjectStore, key: string, options?: RequestOptions): Promise<string> {
  const object = await store.get(key, options);
  return object === null ? "" : sha256Hex(object.bytes);
}
