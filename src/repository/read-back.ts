import { unpackMulti } from "../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import type { Pointer } from "./pointer.ts";
import { readVersionMetadata, type VersionMetadata } from "./version-metadata.ts";

/** A version, read back whole. */
export interface ReadVersion {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Null where a copy by hand dropped it. */
  readonly metadata: VersionMetadata | null;
  /** Whether the bytes are those that were saved; null where nothing says what was saved. */
  readonly whole: boolean | null;
}

/** Reads a version and compares its hash with what its metadata says. Null where it is not there. */
export async function readVersion(
  store: ObjectStore,
  key: string,
  options?: RequestOptions,
): Promise<ReadVersion | null> {
  const stored = await store.get(key, options);
  if (stored === null) return null;
  const sha256 = sha256Hex(stored.bytes);
  const metadata = readVersionMetadata(stored.metadata);
  const whole = metadata === null ? null : metadata.sha256 === sha256;
  return { bytes: stored.bytes, sha256, metadata, whole };
}

/** What the pointer says the hash of a version is; null where it does not name it. */
export function sha256InPointer(pointer: Pointer | null, key: string): string | null {
  const named = [pointer?.version, pointer?.previous].find((version) => version?.key === key);
  return named?.sha256 ?? null;
}

/** Who can open a backup: a key, or else a running node. */
export interface Openers {
  readonly encrypter?: Encrypter | undefined;
  readonly witness?: NodeWitness | undefined;
}

/** Who of them would be asked. */
export function openerOf({ encrypter, witness }: Openers): "key" | "lnd" | null {
  if (encrypter !== undefined) return "key";
  return witness === undefined ? null : "lnd";
}

/** Opens a backup. Returns why it does not open, or null. Throws where the node cannot be asked. */
export async function tryToOpen(
  bytes: Uint8Array,
  { encrypter, witness }: Openers,
  { signal }: RequestOptions = {},
): Promise<ScbError | null> {
  try {
    if (encrypter !== undefined) unpackMulti(bytes, encrypter);
    else await witness?.channelPointsOf(bytes, signal);
    return null;
  } catch (error) {
    if (hasCode(error, "decrypt", "decode")) return error;
    throw error;
  }
}
