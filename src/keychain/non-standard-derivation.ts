import { createHmac } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { HARDENED_OFFSET, HDKey } from "@scure/bip32";
import { ScbError } from "../runtime/error.ts";

const scalars = secp256k1.Point.Fn;

/**
 * A hardened child as btcwallet derives it from a key that it has just computed. BIP 32 hashes `0x00 ||
 * key(32) || index`. btcwallet keeps such a key as a number without leading zero bytes, and hashes `0x00
 * || key without them || zeros up to 33 bytes || index`. One key in 256 begins with a zero, and has other
 * children than BIP 32 says. Source: btcutil `hdkeychain.ExtendedKey.DeriveNonStandard`.
 */
export function deriveHardenedNonStandard(parent: HDKey, number: number): HDKey {
  const index = HARDENED_OFFSET + number;
  const { privateKey, chainCode } = parent;
  if (privateKey === null || chainCode === null) {
    throw new ScbError("key", "an extended private key is needed, but this one is public");
  }
  const zeros = privateKey.findIndex((byte) => byte !== 0);
  if (zeros === 0) return parent.deriveChild(index);

  const data = Buffer.alloc(37);
  data.set(privateKey.subarray(zeros), 1);
  data.writeUInt32BE(index, 33);
  const hash = createHmac("sha512", chainCode).update(data).digest();
  const tweak = scalars.fromBytes(hash.subarray(0, 32));
  return new HDKey({
    versions: parent.versions,
    depth: parent.depth + 1,
    index,
    parentFingerprint: parent.fingerprint,
    chainCode: hash.subarray(32),
    privateKey: scalars.toBytes(scalars.add(tweak, scalars.fromBytes(privateKey))),
  });
}
