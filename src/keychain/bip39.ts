import { createHash } from "node:crypto";

/** A BIP 39 mnemonic has 4 to 8 groups of three words. */
const wordCounts: readonly number[] = [12, 15, 18, 21, 24];
const bitsOfWord = 11;

/**
 * Whether words are a BIP 39 mnemonic, which most wallets but lnd use, by their count and checksum.
 * `indices` are the words' indices in the list, which aezeed shares. Of other words, one list in 16 (12
 * words) to 256 (24 words) passes by chance. Source: BIP 39, "Generating the mnemonic".
 */
export function isBip39(indices: readonly number[]): boolean {
  if (!wordCounts.includes(indices.length)) return false;
  const bits = indices.map((index) => index.toString(2).padStart(bitsOfWord, "0")).join("");
  const checksumBits = indices.length / 3;
  const entropy = Buffer.from(
    (bits.slice(0, -checksumBits).match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)),
  );
  const [checksum = 0] = createHash("sha256").update(entropy).digest();
  return checksum.toString(2).padStart(8, "0").startsWith(bits.slice(-checksumBits));
}
