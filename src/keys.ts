/**
 * `scb-mirror/keys`: what encrypts and decrypts backups. Everything here is secret, except public keys of
 * families other than 7: the *public* key at family 7, index 0 reads every backup of its node.
 * @module
 */
export { backupKeyEncrypter, backupKeySizeBytes, type Encrypter } from "./keychain/encrypter.ts";
export { HdKeyRing } from "./keychain/hd-key-ring.ts";
export { type KeyFileOptions, loadKeyFile } from "./keychain/key-file.ts";
export { type KeyLocator, keyFamilies } from "./keychain/key-locator.ts";
export { deriveBackupKey, type KeyRing, keyRingEncrypter } from "./keychain/key-ring.ts";
export type { LoadedKey } from "./keychain/loaded-key.ts";
export { type Network, networks } from "./keychain/network.ts";
