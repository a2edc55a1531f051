import { decodeTime } from "ulid";
import * as z from "zod";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { parseRestoreRecordKey, restoreRecordKey, restoresPrefix } from "./layout.ts";
import { newOperationId } from "./operation-id.ts";
import { lineText, RecordFormat } from "./record.ts";

export interface RestoreRecord {
  /** The version that was restored. */
  readonly key: string;
  readonly sequence: number;
  /** Where the backup went. */
  readonly to: "file" | "stdout" | "lnd";
  /** Program, machine and process. */
  readonly by: string;
}

/** The newest restore record. Fields that can't be read are null. */
export interface LastRestore {
  /** ISO 8601: the earlier of the restoring machine's time and the store's. */
  readonly at: string;
  readonly key: string | null;
  readonly sequence: number | null;
  readonly to: string | null;
  readonly by: string | null;
}

const schemaVersion = 1;
const format = new RecordFormat({
  name: "the record of a restore",
  schema: z.looseObject({
    key: lineText(256),
    sequence: z.int(),
    to: lineText(64),
    by: lineText(512),
  }),
});

/** Records a restore beside the versions. Throws what the store throws. */
export async function recordRestore(
  store: ObjectStore,
  record: RestoreRecord,
  { clock, random, signal }: RequestOptions & { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const note = {
    schema: schemaVersion,
    restoredAt: new Date(clock.now()).toISOString(),
    ...record,
  };
  // The key is fresh, so no condition is needed, and stores without conditional writes work too.
  await store.put(restoreRecordKey(newOperationId(clock, random)), format.encode(note), {
    contentType: "application/json",
    signal,
  });
}

/** The newest recorded restore; null if there is none. Throws what the store throws. */
export async function readLastRestore(
  store: ObjectStore,
  options: RequestOptions,
): Promise<LastRestore | null> {
  let newest: { readonly key: string; readonly atMs: number } | null = null;
  for await (const { key, modifiedAt } of store.list(restoresPrefix, options)) {
    const id = parseRestoreRecordKey(key);
    if (id === null) continue;
    // The store's time bounds the id's, so that a record from a clock that was ahead can't hide a later
    // one.
    const atMs = Math.min(decodeTime(id), modifiedAt);
    if (newest === null || atMs >= newest.atMs) newest = { key, atMs };
  }
  if (newest === null) return null;
  const at = new Date(newest.atMs).toISOString();
  const record = await format.readIfSound(store, newest.key, options);
  const { key = null, sequence = null, to = null, by = null } = record ?? {};
  return { at, key, sequence, to, by };
}
