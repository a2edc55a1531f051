import {
  type InspectedChannel,
  type InspectOptions,
  inspectSingle,
} from "../chanbackup/inspected-channel.ts";
import { sortSingles } from "../chanbackup/multi.ts";
import {
  isEmptyMulti,
  packedMultiFlaw,
  smallestPackedMultiSizeBytes,
  unpackMulti,
} from "../chanbackup/packed-multi.ts";
import { unpackSingle } from "../chanbackup/packed-single.ts";
import type { Single } from "../chanbackup/single.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode, ScbError } from "../runtime/error.ts";

/** A decoded backup. A Single has one channel; those of a Multi are sorted by outpoint. */
export interface InspectedBackup {
  readonly kind: "multi" | "single";
  readonly version: number;
  readonly channels: readonly InspectedChannel[];
}

/**
 * Decodes a packed Multi or Single. `withCloseTx` adds the force close transactions: broadcasting an
 * out-of-date one can lose all the funds of its channel. Throws "decode" and "decrypt".
 */
export function inspectBackup(
  packed: Uint8Array,
  encrypter: Encrypter,
  { withCloseTx = false }: InspectOptions = {},
): InspectedBackup {
  const { kind, singles } = unpackEither(packed, encrypter);
  const channels = sortSingles(singles).map((single) => inspectSingle(single, { withCloseTx }));
  return { kind, version: kind === "multi" ? 0 : (singles[0]?.version ?? 0), channels };
}

/** The Singles of a packed Multi, or the only one of a packed Single. */
export function unpackEither(
  packed: Uint8Array,
  encrypter: Encrypter,
): { readonly kind: "multi" | "single"; readonly singles: readonly Single[] } {
  try {
    return { kind: "multi", singles: unpackMulti(packed, encrypter).staticBackups };
  } catch (error) {
    if (!hasCode(error, "decode")) throw error;
    const single = singleOrNull(packed, encrypter);
    if (single === null) throw error;
    return { kind: "single", singles: [single] };
  }
}

/** What can be told about a backup without a key. */
export interface SealedBackup {
  /** Null: it may be a Multi or a Single. */
  readonly kind: "multi" | null;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly empty: boolean;
  /** An upper bound, from the size. */
  readonly mostChannels: number;
}

/** Throws "decode" if the bytes can't be a backup. */
export function inspectSealed(bytes: Uint8Array): SealedBackup {
  const flaw = packedMultiFlaw(bytes);
  if (flaw !== null) throw new ScbError("decode", `this is not a packed channel backup: ${flaw}`);
  const channelSizeBytes = smallestPackedMultiSizeBytes(1) - smallestPackedMultiSizeBytes(0);
  return {
    kind: isEmptyMulti(bytes) ? "multi" : null,
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
    empty: isEmptyMulti(bytes),
    mostChannels: Math.floor((bytes.length - smallestPackedMultiSizeBytes(0)) / channelSizeBytes),
  };
}

function singleOrNull(packed: Uint8Array, encrypter: Encrypter): Single | null {
  try {
    return unpackSingle(packed, encrypter);
  } catch (error) {
    if (hasCode(error, "decode")) return null;
    throw error;
  }
}
