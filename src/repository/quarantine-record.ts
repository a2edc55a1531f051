import * as z from "zod";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { parseQuarantineKey, quarantineKeys, quarantinePrefix } from "./layout.ts";
import { lineText, RecordFormat } from "./record.ts";

const count = z.int().min(0).nullable().default(null);

/** `quarantine/….json`: why a candidate was refused, and what was known about it. */
const whySchema = z.looseObject({
  schema: z.literal(1),
  operation: lineText(64),
  refusedAt: z.iso.datetime(),
  code: lineText(64),
  message: lineText(4096),
  sizeBytes: z.int().min(0),
  sha256: lineText(64),
  channels: count,
  bareChannels: count,
  channelPointsSha256: lineText(64).nullable().default(null),
  verifiedBy: z.enum(["lnd", "key"]).nullable().default(null),
  /** What it would have replaced; null if nothing was current yet. */
  base: z
    .looseObject({ sequence: z.int().min(1), key: lineText(256), sha256: lineText(64) })
    .nullable()
    .default(null),
});

export type QuarantineReason = z.infer<typeof whySchema>;

/** A refused candidate, as its key names it. */
export interface QuarantineEntry {
  /** The ULID of its operation. */
  readonly operation: string;
  readonly keys: ReturnType<typeof quarantineKeys>;
  /** The reason exists. Otherwise it is still being written, or its writer was cut short. */
  readonly isExplained: boolean;
  /** By the store's clock, milliseconds since 1970. */
  readonly storedAt: number;
}

export const quarantineFormat = new RecordFormat({
  name: "the reason of a refusal",
  schema: whySchema,
});

/** The quarantined candidates, oldest first. */
export async function listQuarantine(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<QuarantineEntry[]> {
  const entries = new Map<string, QuarantineEntry>();
  for await (const { key, modifiedAt: storedAt } of store.list(quarantinePrefix, options)) {
    const name = parseQuarantineKey(key);
    if (name === null) continue;
    const { operation } = name;
    const isExplained = name.kind === "why" || entries.get(operation)?.isExplained === true;
    entries.set(operation, { operation, keys: quarantineKeys(operation), isExplained, storedAt });
  }
  return [...entries.values()];
}

/** Null if the reason is gone or can't be read: then it is only known that the candidate was refused. */
export function readQuarantineReason(
  store: ObjectStore,
  key: string,
  options?: RequestOptions,
): Promise<QuarantineReason | null> {
  return quarantineFormat.readIfSound(store, key, options);
}
