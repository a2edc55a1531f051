import * as z from "zod";
import { ScbError } from "../runtime/error.ts";
import { parseVersionKey } from "./layout.ts";

export const pointerSchemaVersion = 1;

/** How many operations a pointer remembers, its own included. */
export const recentOperationsKept = 64;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");
const versionName = z
  .string()
  .refine((key) => parseVersionKey(key) !== null, "must be the key of a version");

const pointerSchema = z.looseObject({
  schema: z.literal(pointerSchemaVersion),
  sequence: z.int().min(1),
  version: z.looseObject({ key: versionName, size: z.int().min(0), sha256 }),
  previous: z.looseObject({ key: versionName, sha256 }).nullable(),
  committedAt: z.iso.datetime(),
  writer: z.string(),
  operation: z.string(),
  recentOperations: z.array(z.string()).min(1).max(recentOperationsKept),
  node: z.looseObject({ pubkey: z.string().nullable(), network: z.string().nullable() }),
  /** Who had decrypted and parsed the version before it was saved: "lnd", "key", or nobody. */
  verifiedBy: z.enum(["lnd", "key"]).nullable(),
  /** How many channels the version can recover, where that was known. */
  channels: z.int().min(0).nullable(),
  /** SHA-256 of the sorted channel points, one a line, where they were known. */
  channelPointsSha256: sha256.nullable(),
  /** How many of the channels are bare (see `BackupContents`); null or absent where unknown. */
  bareChannels: z.int().min(0).nullable().optional(),
});

/** What a pointer of any schema has. */
const anySchema = z.object({ schema: z.unknown() });

/** `latest.json`: the only object that changes. Its bytes are unique, since its operation is. */
export type Pointer = z.infer<typeof pointerSchema>;

export function encodePointer(pointer: Pointer): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(pointer, null, 2)}\n`);
}

/** Reads a pointer. Throws "pointer-damaged", naming `where` it was and what is wrong with it. */
export function decodePointer(bytes: Uint8Array, where: string): Pointer {
  const damaged = (what: string, cause?: unknown): ScbError =>
    new ScbError(
      "pointer-damaged",
      `the pointer ${where} ${what}; nothing was changed: look at who else writes there, then have scb-mirror repair show what it must be and put it back`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(`is not JSON (${bytes.length} bytes)`, error);
  }
  const schema = anySchema.safeParse(json).data?.schema;
  if (typeof schema === "number" && schema !== pointerSchemaVersion) {
    throw new ScbError(
      "pointer-damaged",
      `the pointer ${where} has schema ${schema}, and this program knows only ${pointerSchemaVersion}; nothing was changed: use the version of scb-mirror that wrote it, or a newer one`,
    );
  }
  const result = pointerSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw damaged(
      `is not a pointer (${field === "" ? "" : `${field}: `}${issue?.message ?? "unreadable"})`,
      result.error,
    );
  }
  const pointer = result.data;
  if (parseVersionKey(pointer.version.key)?.sequence !== pointer.sequence) {
    throw damaged(`names ${pointer.version.key}, which is not of its sequence ${pointer.sequence}`);
  }
  return pointer;
}
