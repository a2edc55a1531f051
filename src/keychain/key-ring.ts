import { createHash } from "node:crypto";
import { type Random, systemRandom } from "../runtime/random.ts";
import { backupKeyEncrypter, type Encrypter } from "./encrypter.ts";
import { type KeyLocator, keyFamilies } from "./key-locator.ts";

/**
 * Derives keys of one node's wallet, from its seed or by asking the running node. Source: lnd
 * `keychain.KeyRing`, of which only this is needed.
 */
export interface KeyRing {
  /** The compressed public key, 33 bytes. Throws "key", or the `node-*` codes of a running node. */
  deriveKey(locator: KeyLocator, signal?: AbortSignal): Promise<Uint8Array>;
}

const baseEncryptionLocator: KeyLocator = { family: keyFamilies.baseEncryption, index: 0 };

/**
 * The key that encrypts all backups of a node, 32 bytes. It reads backups and can't spend anything.
 * Source: lnd `lnencrypt.KeyRingEncrypter`.
 */
export async function deriveBackupKey(keyRing: KeyRing, signal?: AbortSignal): Promise<Uint8Array> {
  const publicKey = await keyRing.deriveKey(baseEncryptionLocator, signal);
  return new Uint8Array(createHash("sha256").update(publicKey).digest());
}

/**
 * The encrypter of the key ring's node. Throws what `deriveKey` throws. Source: lnd
 * `lnencrypt.KeyRingEncrypter`.
 */
export async function keyRingEncrypter(
  keyRing: KeyRing,
  random: Random = systemRandom,
  signal?: AbortSignal,
): Promise<Encrypter> {
  return backupKeyEncrypter(await deriveBackupKey(keyRing, signal), random);
}
