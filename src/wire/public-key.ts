import type { BinaryReader } from "./binary-reader.ts";
import type { Codec } from "./codec.ts";
import { fieldPrime, isQuadraticResidue } from "./quadratic-residue.ts";
import { isSeen, noteSeen } from "./seen-keys.ts";

export const publicKeySizeBytes = 33;

/**
 * Whether these are 33 bytes that lnd would accept as a public key: 2 or 3, then an x below the field's
 * prime for which the curve has a point (btcec `ParsePubKey`). The prefix selects one of the two points,
 * which either both exist or don't.
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== publicKeySizeBytes || (bytes[0] !== 2 && bytes[0] !== 3)) return false;
  if (isSeen(bytes)) return true;
  const x = BigInt(`0x${Buffer.from(bytes).toString("hex", 1)}`);
  // SEC 1, section 2.3.4: y² = x³ + 7 must have a solution.
  if (x >= fieldPrime || !isQuadraticResidue((x * x * x + 7n) % fieldPrime)) return false;
  noteSeen(bytes);
  return true;
}

/** A compressed public key. Reading and writing both refuse a point off the curve, as lnd does. */
export const publicKeyCodec: Codec<Uint8Array> = {
  minSizeBytes: publicKeySizeBytes,
  isFixedSize: true,
  read(reader, what) {
    const at = reader.offset;
    const key = reader.bytes(publicKeySizeBytes, what);
    if (!isPublicKey(key)) failNoKey(reader, what, at);
    return key;
  },
  write(writer, value, what) {
    if (!isPublicKey(value)) writer.fail(`${what}: is not a public key on secp256k1`);
    writer.bytes(value, publicKeySizeBytes, what);
  },
};

const noKey = new Uint8Array(publicKeySizeBytes);

/** As `publicKeyCodec`, with 33 zero bytes for no key. */
export const optionalPublicKeyCodec: Codec<Uint8Array | null> = {
  minSizeBytes: publicKeySizeBytes,
  isFixedSize: true,
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
  reader.fail(`${what}: these 33 bytes are not a public key on secp256k1`, at);
}
