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
 * A Multi as the node encrypts it: nonce, ciphertext, tag. What `channel.backup` holds and what
 * lnd takes for a restore (lnd `chanbackup.PackedMulti`).
 */
export type PackedMulti = Uint8Array;

/** A Multi without channels. No other has this size, so no key is needed (lnd `NilMultiSizePacked`). */
export const emptyMultiSizeBytes = packedOverheadSizeBytes + multiHeaderSizeBytes;

/** Whether it holds no channels at all. */
export function isEmptyMulti(packed: PackedMulti): boolean {
  return packed.length === emptyMultiSizeBytes;
}

/** No packed Multi with so many channels is smaller: none has addresses or CloseTxInputs. */
export function smallestPackedMultiSizeBytes(channels: number): number {
  return emptyMultiSizeBytes + channels * singleCodec.minSizeBytes;
}

/**
 * What shows, without any key, that these bytes are no packed Multi: one sentence that says what to
 * do, or null. Null is no proof: only decrypting is.
 */
export function packedMultiFlaw(bytes: Uint8Array): string | null {
  const smallest = smallestPackedMultiSizeBytes(1);
  if (bytes.length < emptyMultiSizeBytes) {
    return `it has ${bytes.length} bytes, and even a backup without channels has ${emptyMultiSizeBytes}: it is cut off, or no channel backup`;
  }
  const textFlaw = packedBytesFlaw(bytes);
  if (textFlaw !== null) return textFlaw;
  if (!isEmptyMulti(bytes) && bytes.length < smallest) {
    return `it has ${bytes.length} bytes, and a backup with one channel has at least ${smallest}: it is cut off, or no channel backup`;
  }
  return null;
}

/** Encrypts with a fresh nonce, so equal Multis give different bytes. Throws "encode". */
export function packMulti(multi: Multi, encrypter: Encrypter): PackedMulti {
  return encrypter.encrypt(serializeMulti(multi));
}

/** Throws "decrypt" for another seed's key or damaged bytes, "decode" for what is no Multi. */
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
  if (flaw !== null) throw new ScbError("decode", `this is no packed channel backup: ${flaw}`);
  return encrypter.decrypt(packed);
}
