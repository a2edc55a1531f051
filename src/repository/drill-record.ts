import { decodeTime } from "ulid";
import * as z from "zod";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { drillsPrefix } from "./layout.ts";
import { newOperationId, operationIdPattern } from "./operation-id.ts";
import { lineText, RecordFormat } from "./record.ts";
import { isInFuture } from "./times.ts";

export const drillVerdicts = ["would-restore", "would-not-restore", "unknown"] as const;
export type DrillVerdict = (typeof drillVerdicts)[number];

const schemaVersion = 1;
const format = new RecordFormat({
  name: "the record of a drill",
  schema: z.looseObject({
    schema: z.literal(schemaVersion),
    at: z.iso.datetime(),
    ok: z.boolean(),
    verdict: z.enum(drillVerdicts),
    version: z.looseObject({ key: lineText(256), sequence: z.int() }).nullable(),
  }),
});

const recordPattern = new RegExp(`^drills/(${operationIdPattern})\\.json$`);

/** The last drill recorded in the store. */
export interface LastDrill {
  /** Relative to the node's folder. */
  readonly key: string;
  /** ISO 8601. */
  readonly at: string;
  readonly ok: boolean;
  readonly verdict: DrillVerdict;
  /** The version that it examined; null if it found none. */
  readonly version: { readonly key: string; readonly sequence: number } | null;
}

/** A drill's record: the fields above, and whatever else the drill found. */
export type DrillRecord = Omit<LastDrill, "key" | "version"> & {
  readonly version: (LastDrill["version"] & { readonly sha256: string }) | null;
} & Readonly<Record<string, unknown>>;

/** Saves a drill's result as `drills/<ULID>.json` and returns that key. Throws what the store throws. */
export async function recordDrill(
  store: ObjectStore,
  record: DrillRecord,
  { clock, random, signal }: RequestOptions & { readonly clock: Clock; readonly random: Random },
): Promise<string> {
  const key = `${drillsPrefix}${newOperationId(clock, random)}.json`;
  // The key is fresh, so no condition is needed, and stores without conditional writes work too.
  await store.put(key, format.encode({ schema: schemaVersion, ...record }), {
    contentType: "application/json",
    signal,
  });
  return key;
}

/**
 * Reads the newest record, by the earlier of its id's time and the store's; null if there is none. Throws
 * "decode" if that record can't be read, or is later than `now` by both clocks: an older record must not
 * speak in its place. Throws what the store throws.
 */
export async function readLastDrill(
  store: ObjectStore,
  now: number,
  options?: RequestOptions,
): Promise<LastDrill | null> {
  let newest: { readonly key: string; readonly savedAt: number } | null = null;
  for await (const { key, modifiedAt } of store.list(drillsPrefix, options)) {
    const id = recordPattern.exec(key)?.[1];
    if (id === undefined) continue;
    const savedAt = Math.min(decodeTime(id), modifiedAt);
    if (newest === null || savedAt >= newest.savedAt) newest = { key, savedAt };
  }
  if (newest === null) return null;
  const { key, savedAt } = newest;
  const where = `${store.location}/${key}`;
  if (isInFuture(savedAt, now)) {
    throw new ScbError(
      "decode",
      `the last drill, ${where}, claims to be from ${new Date(savedAt).toISOString()}, which is in the future, so its result isn't known`,
    );
  }
  const record = (await format.read(store, key, options))?.value;
  if (record === undefined) return null;
  const { ok, verdict, version } = record;
  return {
    key,
    at: new Date(Math.min(Date.parse(record.at), savedAt)).toISOString(),
    ok: ok && verdict === "would-restore",
    verdict,
    version: version === null ? null : { key: version.key, sequence: version.sequence },
  };
}
