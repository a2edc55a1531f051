import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { BinaryReader } from "./binary-reader.ts";
import type { Codec } from "./codec.ts";

export const publicKeySizeBytes = 33;

/**
 * Keys found to be on the curve. The check costs some 0.2 ms, a Single holds six keys or seven, and
 * a node's Singles are read again with each swap. About 100 bytes an entry, so 3 MB at most; when
 * it is full the oldest entry goes, so bytes from a stranger cost time and never more memory.
 */
const knownKeys = new Set<string>();
const maxKnownKeys = 32_768;

/**
 * Whether these are 33 bytes that lnd would take for a public key: 2 or 3, then an x under the
 * field's prime for which the curve has a point (btcec `ParsePubKey`).
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (knownKeys.has(name)) return true;
  if (!secp256k1.utils.isValidPublicKey(bytes, true)) return false;
  if (knownKeys.size >= maxKnownKeys) {
    for (const oldest of knownKeys) {
      knownKeys.delete(oldest);
      break;
    }
  }
  knownKeys.add(name);
  return true;
}

/** A compressed public key. A point off the curve is refused both ways, as lnd refuses it. */
export const publicKeyCodec: Codec<Uint8Array> = {
  minSizeBytes: publicKeySizeBytes,
  read(reader, what) {
    const at = reader.offset;
    const key = reader.bytes(publicKeySizeBytes, what);
    if (!isPublicKey(key)) failNoKey(reader, what, at);
    return key;
  },
  write(writer, value, what) {
    if (!isPublicKey(value)) writer.fail(`${what}: is no public key on secp256k1`);
    writer.bytes(value, publicKeySizeBytes, what);
  },
};

const noKey = new Uint8Array(publicKeySizeBytes);

/** As `publicKeyCodec`, and 33 zero bytes stand for none. */
export const optionalPublicKeyCodec: Codec<Uint8Array | null> = {
  minSizeBytes: publicKeySizeBytes,
  read(reader, what) {
    const at = reader.offset;
    const key = reader.bytes(publicKeySizeBytes, what);
    if (key.every((byte) => byte === 0)) return null;
    if (!isPublicKey(key)) failNoKey(reader, what, at);
    return key;
  },
  write(writer, value, what, layout) {
    if (value === null) writer.bytes(noKey, publicKeySizeBytes, what);
    else publicKeyCodec.write(writer, value, what, layout);
  },
};

function failNoKey(reader: BinaryReader, what: string, at: number): never {
  reader.fail(`${what}: these 33 bytes are no public key on secp256k1`, at);
}
