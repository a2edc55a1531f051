import { createCipheriv, createDecipheriv } from "node:crypto";
import { hchacha } from "@noble/ciphers/chacha.js";
import { ScbError } from "../runtime/error.ts";
import { type Random, systemRandom } from "../runtime/random.ts";

/** Encrypts and decrypts the backups of one node. Source: lnd `lnencrypt.EncrypterDecrypter`. */
export interface Encrypter {
  /** `nonce(24) || ciphertext || tag(16)`, with a fresh nonce each time. */
  encrypt(plaintext: Uint8Array): Uint8Array;
  /**
   * The plaintext of what `encrypt`, or lnd, made. Throws "decode" for bytes that are too short, and
   * "decrypt" if they were encrypted with another key or damaged since.
   */
  decrypt(packed: Uint8Array): Uint8Array;
}

/** The size of a backup key, which is a SHA-256. */
export const backupKeySizeBytes = 32;
const nonceSizeBytes = 24;
const tagSizeBytes = 16;

/**
 * XChaCha20-Poly1305 with the nonce as associated data. The key is the SHA-256 that lnd takes of the
 * public key at family 7, index 0. It is a secret, because it reads every backup of the node. The
 * encrypter keeps a copy that nothing can read out. Throws "key" unless it has 32 bytes. Source: lnd
 * `lnencrypt.Encrypter`.
 */
export function backupKeyEncrypter(
  backupKey: Uint8Array,
  random: Random = systemRandom,
): Encrypter {
  if (backupKey.length !== backupKeySizeBytes) {
    throw new ScbError("key", `a backup key has 32 bytes, but this one has ${backupKey.length}`);
  }
  const key = Uint8Array.from(backupKey);
  return {
    encrypt(plaintext) {
      const nonce = random.bytes(nonceSizeBytes);
      const { subkey, iv } = subkeyOf(key, nonce);
      const cipher = createCipheriv(algorithm, subkey, iv, { authTagLength: tagSizeBytes });
      cipher.setAAD(nonce, { plaintextLength: plaintext.length });
      const packed = new Uint8Array(nonceSizeBytes + plaintext.length + tagSizeBytes);
      packed.set(nonce);
      for (let at = 0; at < plaintext.length; at += chunkSizeBytes) {
        const chunk = plaintext.subarray(at, at + chunkSizeBytes);
        packed.set(cipher.update(chunk), nonceSizeBytes + at);
      }
      cipher.final();
      packed.set(cipher.getAuthTag(), nonceSizeBytes + plaintext.length);
      return packed;
    },
    decrypt(packed) {
      const sizeBytes = packed.length - nonceSizeBytes - tagSizeBytes;
      if (sizeBytes < 0) {
        throw new ScbError(
          "decode",
          `${packed.length} bytes are too few for an encrypted backup: it is truncated, or something else`,
        );
      }
      const nonce = packed.subarray(0, nonceSizeBytes);
      const { subkey, iv } = subkeyOf(key, nonce);
      const decipher = createDecipheriv(algorithm, subkey, iv, { authTagLength: tagSizeBytes });
      decipher.setAAD(nonce, { plaintextLength: sizeBytes });
      decipher.setAuthTag(packed.subarray(packed.length - tagSizeBytes));
      const plaintext = decipher.update(packed.subarray(nonceSizeBytes, -tagSizeBytes));
      try {
        decipher.final();
      } catch (error) {
        plaintext.fill(0);
        throw new ScbError(
          "decrypt",
          "message authentication failed: this seed, passphrase or network is probably not that of " +
            "the node that made the backup (or its bytes are damaged)",
          { cause: error },
        );
      }
      return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
    },
  };
}

const algorithm = "chacha20-poly1305";

/** Each call returns its ciphertext in new memory, so a single call would double the memory. */
const chunkSizeBytes = 65_536;

/** "expand 32-byte k", as the little-endian words that HChaCha20 starts with. */
const sigma = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/**
 * Node has no XChaCha20, but that is ChaCha20 under a key derived from the first 16 bytes of the nonce
 * (draft-irtf-cfrg-xchacha-03, section 2.3). Only that step uses noble: OpenSSL is as fast on small
 * backups and much faster on large ones.
 */
function subkeyOf(key: Uint8Array, nonce: Uint8Array): { subkey: Uint8Array; iv: Uint8Array } {
  const subkey = new Uint32Array(8);
  hchacha(sigma, wordsOf(key), wordsOf(nonce.subarray(0, 16)), subkey);
  const iv = new Uint8Array(12);
  iv.set(nonce.subarray(16), 4);
  return { subkey: new Uint8Array(subkey.buffer), iv };
}

/** A copy, because the bytes may be unaligned. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
