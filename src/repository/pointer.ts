import * as z from "zod";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions, StoredObject } from "../store/object-store.ts";
import { type AlsoRestore, alsoRestoreSchema } from "./also-restore.ts";
import { latestKey, maxSequence, parseVersionKey } from "./layout.ts";
import {
  lineText,
  parseRecordJson,
  RecordFormat,
  recordSizeLimitBytes,
  sha256Text,
  versionKeyText,
} from "./record.ts";

/** The schema of a pointer without `alsoRestore`, which every release can read. */
const pointerSchemaVersion = 1;
/**
 * The schema of a pointer with `alsoRestore`. A release that would drop those versions must not read it.
 */
const alsoRestoreSchemaVersion = 2;

const repairRemedy =
  "; nothing was changed: find out who else writes there, then run scb-mirror repair, which shows what it must be and can put it back";

/** How many operations a pointer lists, including its own. */
export const recentOperationsKept = 64;

const pointerSchema = z
  .looseObject({
    schema: z.union([z.literal(pointerSchemaVersion), z.literal(alsoRestoreSchemaVersion)]),
    sequence: z.int().min(1).max(maxSequence),
    version: z.looseObject({ key: versionKeyText, size: z.int().min(0), sha256: sha256Text }),
    previous: z
      .looseObject({ key: versionKeyText, sha256: z.union([sha256Text, z.literal("")]) })
      .nullable(),
    committedAt: z.iso.datetime(),
    writer: lineText(512),
    operation: lineText(64),
    recentOperations: z.array(lineText(64)).min(1).max(recentOperationsKept),
    node: z.looseObject({ pubkey: lineText(130).nullable(), network: lineText(32).nullable() }),
    /** What decrypted and parsed the version before it was saved: "lnd", "key", or null for nothing. */
    verifiedBy: z.enum(["lnd", "key"]).nullable(),
    /** How many channels the version can recover, if known. */
    channels: z.int().min(0).nullable(),
    /** SHA-256 of the sorted channel points, one a line, if known. */
    channelPointsSha256: sha256Text.nullable(),
    /** How many of the channels are bare (see `BackupContents`); null or absent if unknown. */
    bareChannels: z.int().min(0).nullable().optional(),
    /** Only in schema 2. */
    alsoRestore: alsoRestoreSchema.optional(),
  })
  .refine(({ version, sequence }) => parseVersionKey(version.key)?.sequence === sequence, {
    message: "names a version that isn't of the pointer's sequence",
    path: ["version", "key"],
  });

const format = new RecordFormat({ name: "the pointer", schema: pointerSchema });

/** `latest.json`, the only object that changes. Its bytes are unique, because its operation is. */
export type Pointer = z.infer<typeof pointerSchema>;

/**
 * Throws "encode" for a pointer that no reader would accept. `alsoRestore` comes last, because a person,
 * or a `grep` from a kit printed years ago, takes the first key for the current version's.
 */
export function encodePointer({ alsoRestore, ...pointer }: Pointer): Uint8Array {
  return format.encode(alsoRestore === undefined ? pointer : { ...pointer, alsoRestore });
}

/** The pointer's fields for these versions. The schema says whether there are any. */
export function alsoRestoreFields(
  alsoRestore: readonly AlsoRestore[],
): Pick<Pointer, "schema" | "alsoRestore"> {
  return alsoRestore.length === 0
    ? { schema: pointerSchemaVersion }
    : {
        schema: alsoRestoreSchemaVersion,
        alsoRestore: [...alsoRestore].map((also) => ({
          ...also,
          channelPoints: [...also.channelPoints],
        })),
      };
}

/** Parses a pointer. Throws "pointer-damaged", naming `where` it is and what is wrong with it. */
export function decodePointer(bytes: Uint8Array, where: string): Pointer {
  const newer = newerSchemaOf(bytes);
  if (newer !== null) {
    throw new ScbError(
      "pointer-damaged",
      `the pointer ${where} has schema ${newer}, but this program only knows schemas up to ${alsoRestoreSchemaVersion}; nothing was changed: use the scb-mirror release that wrote it, or a newer one`,
    );
  }
  try {
    return format.decode(bytes);
  } catch (error) {
    if (!hasCode(error, "decode")) throw error;
    throw new ScbError("pointer-damaged", `the pointer ${where} ${error.message}${repairRemedy}`, {
      cause: error,
    });
  }
}

/** The schema of a pointer that a newer release wrote; null for any other bytes. */
export function newerSchemaOf(bytes: Uint8Array): number | null {
  try {
    const { schema } = z.object({ schema: z.int() }).parse(parseRecordJson(bytes));
    return schema > alsoRestoreSchemaVersion ? schema : null;
  } catch (error) {
    if (error instanceof z.ZodError || hasCode(error, "decode")) return null;
    throw error;
  }
}

/** What lies in the pointer's place but isn't a pointer. */
export interface DamagedPointer {
  /** Null if the store must read an object to know its etag, and this one is too large to read. */
  readonly etag: string | null;
  /** Null if it is too large to be read. */
  readonly bytes: Uint8Array | null;
}

/** The result of reading the pointer. */
export type PointerReading =
  | {
      readonly kind: "pointer";
      readonly pointer: Pointer;
      readonly etag: string;
      /** When it was written, by the store's clock. Milliseconds since 1970. */
      readonly storedAt: number;
    }
  | { readonly kind: "absent" }
  | ({
      readonly kind: "damaged" /** "pointer-damaged" */;
      readonly error: ScbError;
    } & DamagedPointer);

/** Reads the pointer strongly. Throws what the store throws, and nothing else. */
export async function readPointer(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<PointerReading> {
  let object: StoredObject | null = null;
  try {
    object = await store.get(latestKey, { ...options, maxBytes: recordSizeLimitBytes });
    if (object === null) return { kind: "absent" };
    const pointer = decodePointer(object.bytes, `${store.location}/${latestKey}`);
    return { kind: "pointer", pointer, etag: object.etag, storedAt: object.modifiedAt };
  } catch (error) {
    if (object !== null && hasCode(error, "pointer-damaged")) {
      return { kind: "damaged", error, etag: object.etag, bytes: object.bytes };
    }
    if (!hasCode(error, "store-too-large")) throw error;
    const damaged = new ScbError("pointer-damaged", `the pointer ${error.message}${repairRemedy}`, {
      cause: error,
    });
    try {
      const info = await store.head(latestKey, options);
      if (info === null) return { kind: "absent" };
      return { kind: "damaged", error: damaged, etag: info.etag, bytes: null };
    } catch (error) {
      if (!hasCode(error, "store-too-large")) throw error;
      return { kind: "damaged", error: damaged, etag: null, bytes: null };
    }
  }
}

/** The same for callers that can do without: null if it is absent or damaged. */
export async function readPointerOrNull(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<Pointer | null> {
  const reading = await readPointer(store, options);
  return reading.kind === "pointer" ? reading.pointer : null;
}
