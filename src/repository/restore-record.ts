import { decodeTime } from "ulid";
import * as z from "zod";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { parseRestoreRecordKey, restoreRecordKey, restoresPrefix } from "./layout.ts";
import { newOperationId } from "./operation-id.ts";
import { lineText, RecordFormat } from "./record.ts";

export interface RestoreRecord {
  /** The version that was taken out. */
  readonly key: string;
  readonly sequence: number;
  /** Where it went. */
  readonly to: "file" | "stdout" | "lnd";
  /** Program, machine and process. */
  readonly by: string;
}

/** The newest note of a restore. What cannot be read of it is null. */
export interface LastRestore {
  /** ISO 8601: the earlier of the times by the clock of who restored and by the store's. */
  readonly at: string;
  readonly key: string | null;
  readonly sequence: number | null;
  readonly to: string | null;
  readonly by: string | null;
}

const schemaVersion = 1;
const format = new RecordFormat({
  name: "the note of a restore",
  schema: z.looseObject({
    key: lineText(256),
    sequence: z.int(),
    to: lineText(64),
    by: lineText(512),
  }),
});

/** Leaves a note beside the versions that one was taken out. Throws what the store throws. */
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
  // The key is fresh: no condition is needed, and a store without them keeps it as well.
  await store.put(restoreRecordKey(newOperationId(clock, random)), format.encode(note), {
    contentType: "application/json",
    signal,
  });
}

/** The newest restore that left a note, or null. Throws what the store throws. */
export async function readLastRestore(
  store: ObjectStore,
  options: RequestOptions,
): Promise<LastRestore | null> {
  let newest: { readonly key: string; readonly atMs: number } | null = null;
  for await (const { key, modifiedAt } of store.list(restoresPrefix, options)) {
    const id = parseRestoreRecordKey(key);
    if (id === null) continue;
    // A clock that was ahead makes no note newer than the store's time for it, so it hides no later one.
    const atMs = Math.min(decodeTime(id), modifiedAt);
    if (newest === null || atMs >= newest.atMs) newest = { key, atMs };
  }
  if (newest === null) return null;
  const at = new Date(newest.atMs).toISOString();
  const record = await format.readIfSound(store, newest.key, options);
  const { key = null, sequence = null, to = null, by = null } = record ?? {};
  return { at, key, sequence, to, by };
}
