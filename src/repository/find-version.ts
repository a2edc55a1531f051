import { decodeTime } from "ulid";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import {
  currentOrNull,
  listVersions,
  readCurrent,
  readStandings,
  type StoredVersion,
} from "./history.ts";
import { maxSequence, parseVersionKey, type VersionName, versionsPrefix } from "./layout.ts";
import { readPointerOrNull } from "./pointer.ts";
import { sha256InPointer } from "./version.ts";
import { metadataOf, readVersionMetadata } from "./version-metadata.ts";

/** Finds one version. `which` is "latest", a sequence or a key. Throws "not-found" or "usage". */
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
  const sequence = /^\d+$/.test(which) ? Number(which) : null;
  const isSequence = sequence !== null && sequence <= maxSequence;
  const name = isSequence ? await findSequence(store, sequence, options) : parseVersionKey(which);
  if (name === null) {
    throw new ScbError(
      "usage",
      `${JSON.stringify(which)} is not a version: give a sequence such as 12, a key such as versions/….backup, or "latest" (scb-mirror list shows the versions)`,
    );
  }
  const sha256 = await recordedSha256(store, name, options);
  return { ...name, sha256, committedAt: decodeTime(name.operation) };
}

/**
 * The hash recorded when the version was saved: in the pointer, in its own metadata, or in the version
 * that replaced it. Null if it isn't recorded. Overwriting a version drops its own metadata.
 */
async function recordedSha256(
  store: ObjectStore,
  { key, sequence }: VersionName,
  options?: RequestOptions,
): Promise<string | null> {
  const pointer = await readPointerOrNull(store, options);
  const own = readVersionMetadata(await metadataOf(store, key, options));
  const known = sha256InPointer(pointer, key) ?? own?.sha256 ?? null;
  if (known !== null) return known;
  for (const next of await versionsOf(store, sequence + 1, options)) {
    const { previous } = readVersionMetadata(await metadataOf(store, next.key, options)) ?? {};
    // A predecessor from --single-writer may have no recorded hash, so only its key is known.
    if (previous?.key === key && previous.sha256 !== "") return previous.sha256;
  }
  return null;
}

async function findSequence(
  store: ObjectStore,
  sequence: number,
  options?: RequestOptions,
): Promise<VersionName> {
  const versions = await versionsOf(store, sequence, options);
  const [only] = versions;
  if (only === undefined) {
    throw new ScbError(
      "not-found",
      `there is no version with sequence ${sequence} in ${store.location}: scb-mirror list shows the versions`,
    );
  }
  if (versions.length === 1) return only;
  // Later versions tell which of them was committed, up to the first sequence with only one version.
  const above: StoredVersion[] = [];
  for (let next = sequence + 1; ; next += 1) {
    const siblings = await versionsOf(store, next, options);
    above.push(...siblings);
    if (siblings.length < 2) break;
  }
  const current = await currentOrNull(store, options);
  const standing = await readStandings(store, [...versions, ...above], current, options);
  const committed = versions.filter(({ key }) => standing.get(key) === "lineage");
  const [chosen] = committed;
  if (committed.length === 1 && chosen !== undefined) return chosen;
  throw new ScbError(
    "usage",
    `${versions.length} versions have sequence ${sequence}: give the key of one (${versions.map((version) => version.key).join(", ")})`,
  );
}

function versionsOf(
  store: ObjectStore,
  sequence: number,
  options?: RequestOptions,
): Promise<StoredVersion[]> {
  return listVersions(store, `${versionsPrefix}${String(sequence).padStart(20, "0")}-`, options);
}
