import type { Encrypter } from "../keychain/encrypter.ts";
import { ScbError } from "../runtime/error.ts";
import {
  deserializeMulti,
  deserializeMultiInTurns,
  type Multi,
  multiHeaderSizeBytes,
  serializeMulti,
} from "./multi.ts";
import { packedBytesFlaw, packedOverheadSizeBytes } from "./packed-bytes.ts";
import { singleCodec } from "./single-codec.ts";

/**
 * A Multi as the node encrypts it: nonce, ciphertext, tag. This is the content of `channel.backup`, and
 * what lnd takes for a restore (lnd `chanbackup.PackedMulti`).
 */
export type PackedMulti = Uint8Array;

/**
 * The size of a Multi without channels. No other Multi has it, so no key is needed (lnd
 * `NilMultiSizePacked`).
 */
export const emptyMultiSizeBytes = packedOverheadSizeBytes + multiHeaderSizeBytes;

/** Whether it holds no channels at all. */
export function isEmptyMulti(packed: PackedMulti): boolean {
  return packed.length === emptyMultiSizeBytes;
}

/** The least size of a packed Multi with this many channels, which have no addresses or CloseTxInputs. */
export function smallestPackedMultiSizeBytes(channels: number): number {
  return emptyMultiSizeBytes + channels * singleCodec.minSizeBytes;
}

/**
 * Checks, without any key, whether these bytes can be a packed Multi. Returns one sentence with the
 * remedy, or null. Null proves nothing: only decrypting does.
 */
export function packedMultiFlaw(bytes: Uint8Array): string | null {
  const smallest = smallestPackedMultiSizeBytes(1);
  if (bytes.length < emptyMultiSizeBytes) {
    return `it has ${bytes.length} bytes, but even a backup without channels has ${emptyMultiSizeBytes}, so it is truncated or something else`;
  }
  const textFlaw = packedBytesFlaw(bytes);
  if (textFlaw !== null) return textFlaw;
  if (!isEmptyMulti(bytes) && bytes.length < smallest) {
    return `it has ${bytes.length} bytes, but a backup with one channel has at least ${smallest}, so it is truncated or something else`;
  }
  return null;
}

/** Encrypts with a fresh nonce, so equal Multis give different bytes. Throws "encode". */
export function packMulti(multi: Multi, encrypter: Encrypter): PackedMulti {
  return encrypter.encrypt(serializeMulti(multi));
}

/** Throws "decrypt" for another seed's key or damaged bytes, "decode" if it isn't a Multi. */
export function unpackMulti(packed: PackedMulti, encrypter: Encrypter): Multi {
  return deserializeMulti(opened(packed, encrypter));
}

/** As `unpackMulti`, but lets the event loop turn. */
export async function unpackMultiInTurns(
  packed: PackedMulti,
  encrypter: Encrypter,
): Promise<Multi> {
  return deserializeMultiInTurns(opened(packed, encrypter));
}

function opened(packed: PackedMulti, encrypter: Encrypter): Uint8Array {
  const flaw = packedMultiFlaw(packed);
  if (flaw !== null) throw new ScbError("decode", `this is not a packed channel backup: ${flaw}`);
  return encrypter.decrypt(packed);
}
