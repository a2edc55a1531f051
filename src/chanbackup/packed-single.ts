import type { Encrypter } from "../keychain/encrypter.ts";
import { ScbError } from "../runtime/error.ts";
import { packedBytesFlaw, packedOverheadSizeBytes } from "./packed-bytes.ts";
import type { Single } from "./single.ts";
import { deserializeSingle, serializeSingle, singleCodec } from "./single-codec.ts";

/** One encrypted Single, as `lncli exportchanbackup --chan_point` exports it. */
export type PackedSingle = Uint8Array;

/** Encrypts with a fresh nonce. Throws "encode". Source: lnd `Single.PackToWriter`. */
export function packSingle(single: Single, encrypter: Encrypter): PackedSingle {
  return encrypter.encrypt(serializeSingle(single));
}

/** Throws "decrypt" for another seed's key or damaged bytes, "decode" if it isn't a Single. */
export function unpackSingle(packed: PackedSingle, encrypter: Encrypter): Single {
  const smallest = packedOverheadSizeBytes + singleCodec.minSizeBytes;
  const flaw =
    packed.length < smallest
      ? `it has ${packed.length} bytes, but the smallest has ${smallest}`
      : packedBytesFlaw(packed);
  if (flaw !== null) throw new ScbError("decode", `this is not a packed Single: ${flaw}`);
  return deserializeSingle(encrypter.decrypt(packed));
}
