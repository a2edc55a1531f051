import { packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode } from "../runtime/error.ts";
import type {
  GetOptions,
  ObjectStore,
  RequestOptions,
  StoredObject,
} from "../store/object-store.ts";
import type { HeldVersion } from "./base.ts";
import { parseVersionKey } from "./layout.ts";
import type { Pointer } from "./pointer.ts";
import { readVersionMetadata, type VersionMetadata } from "./version-metadata.ts";

/** What the pointer or the next version records about a version's bytes. */
export interface ExpectedVersion {
  /** Relative to the node's folder. */
  readonly key: string;
  /** Null or empty if nothing records it. */
  readonly sha256?: string | null | undefined;
  readonly sizeBytes?: number | null | undefined;
}

export interface ReadBytes {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Null if a manual copy dropped it. */
  readonly metadata: VersionMetadata | null;
  /** The metadata in the store, whoever wrote it. */
  readonly storedMetadata: Readonly<Record<string, string>>;
  /** By the store's clock, milliseconds since 1970. */
  readonly storedAt: number;
}

/**
 * A version as it was read back.
 * - `whole`: its bytes match every record of what was saved.
 * - `damaged`: some record names other bytes, or the bytes aren't a packed Multi.
 * - `unproven`: nothing records what was saved.
 */
export type VersionReading =
  | (ReadBytes & { readonly kind: "whole" | "unproven" })
  | (ReadBytes & {
      readonly kind: "damaged";
      /** The recorded hash that the bytes don't match. */
      readonly savedSha256: string;
    })
  | { readonly kind: "missing"; readonly key: string };

/** Reads a whole version back and compares it. Throws what the store throws, and nothing else. */
export async function readVersion(
  store: ObjectStore,
  expected: ExpectedVersion,
  options?: GetOptions,
): Promise<VersionReading> {
  const { key } = expected;
  let stored: StoredObject | null;
  try {
    stored = await store.get(key, options);
  } catch (error) {
    if (!hasCode(error, "store-too-large")) throw error;
    // No node's backup is that large, so none of it is read.
    return {
      kind: "damaged",
      key,
      bytes: new Uint8Array(),
      sha256: "",
      metadata: null,
      storedMetadata: {},
      storedAt: 0,
      savedSha256: expected.sha256 ?? "",
    };
  }
  if (stored === null) return { kind: "missing", key };
  const { bytes, metadata: storedMetadata, modifiedAt: storedAt } = stored;
  const sha256 = sha256Hex(bytes);
  const metadata = readVersionMetadata(storedMetadata);
  const read = { key, bytes, sha256, metadata, storedMetadata, storedAt };
  const saved = [expected.sha256, metadata?.sha256].filter((hash) => hash != null && hash !== "");
  const other = saved.find((hash) => hash !== sha256);
  if (other != null) return { ...read, kind: "damaged", savedSha256: other };
  // Anyone who overwrites a version can overwrite its recorded hash too.
  if (parseVersionKey(key) !== null && packedMultiFlaw(bytes) !== null) {
    return { ...read, kind: "damaged", savedSha256: sha256 };
  }
  const { sizeBytes = null } = expected;
  const [known] = saved;
  if (known == null) return { ...read, kind: "unproven" };
  return sizeBytes === null || sizeBytes === bytes.length
    ? { ...read, kind: "whole" }
    : { ...read, kind: "damaged", savedSha256: known };
}

/** Reads a base's current version. */
export function readHeld(
  store: ObjectStore,
  { key, sha256, sizeBytes }: HeldVersion,
  options?: RequestOptions,
): Promise<VersionReading> {
  return readVersion(store, { key, sha256, sizeBytes }, options);
}

/** The hash of a version according to the pointer; null if the pointer doesn't name it. */
export function sha256InPointer(pointer: Pointer | null, key: string): string | null {
  const { version, previous, alsoRestore = [] } = pointer ?? {};
  const named = [version, previous, ...alsoRestore].find((one) => one?.key === key);
  return named?.sha256 || null;
}
