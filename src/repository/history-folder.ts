import { decodeTime } from "ulid";
import { hasCode, type ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { type Base, pointerBase } from "./base.ts";
import { listNewer, readCurrent, type StoredVersion } from "./history.ts";
import { parseVersionKey, versionsPrefix } from "./layout.ts";
import { type DamagedPointer, readPointer } from "./pointer.ts";

/** What a node's folder holds, according to one listing and the pointer. */
export interface HistoryFolder {
  /** Oldest first. Includes the version that the pointer names, if it exists. */
  readonly versions: readonly StoredVersion[];
  /** Keys under `versions/` that aren't versions. */
  readonly foreignKeys: readonly string[];
  readonly current: Base | null;
  /** Why `current` is null: "pointer-lost" or "pointer-damaged". */
  readonly pointerError: ScbError | null;
  /** What was found in the pointer's place; null if the pointer isn't damaged. */
  readonly damagedPointer: DamagedPointer | null;
}

/** Lists the versions, then reads the pointer. Throws what the store throws. */
export async function readFolder(
  store: ObjectStore,
  { signal }: RequestOptions = {},
): Promise<HistoryFolder> {
  const listed = await listAll(store, { signal });
  const { versions } = listed;
  const reading = await readPointer(store, { signal });
  if (reading.kind === "damaged") {
    return { ...listed, current: null, pointerError: reading.error, damagedPointer: reading };
  }
  let current: Base;
  try {
    current =
      reading.kind === "absent"
        ? await readCurrent(store, { signal })
        : pointerBase(reading.pointer, reading.etag, reading.storedAt);
  } catch (error) {
    if (!hasCode(error, "pointer-lost", "pointer-damaged")) throw error;
    return { ...listed, current: null, pointerError: error, damagedPointer: null };
  }
  versions.push(...(await listNewer(store, versions, current, { signal })));
  return { ...listed, current, pointerError: null, damagedPointer: null };
}

async function listAll(
  store: ObjectStore,
  options: RequestOptions,
): Promise<{ versions: StoredVersion[]; foreignKeys: string[] }> {
  const versions: StoredVersion[] = [];
  const foreignKeys: string[] = [];
  for await (const { key, sizeBytes, modifiedAt } of store.list(versionsPrefix, options)) {
    const name = parseVersionKey(key);
    if (name === null) foreignKeys.push(key);
    else {
      const createdAt = decodeTime(name.operation);
      versions.push({ ...name, sizeBytes, createdAt, storedAt: modifiedAt });
    }
  }
  return { versions, foreignKeys };
}
