import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { readPointerOrNull } from "./pointer.ts";

/**
 * Says of a "decrypt" error what is known for certain: the identity key of a node is derived from
 * the same seed as the key of its backups. `nodePubkey` is that of the node that made the backup,
 * null where nobody said it. Any other error is given back as it is.
 */
export function explainWrongKey(
  error: unknown,
  key: Pick<LoadedKey, "identityPubkey">,
  nodePubkey: string | null,
): unknown {
  const { identityPubkey } = key;
  if (!hasCode(error, "decrypt") || identityPubkey === null) return error;
  const message =
    nodePubkey === null
      ? `message authentication failed: this key is that of node ${identityPubkey}; if the backup is another node's, the seed, passphrase or network is not the right one; else its bytes are damaged`
      : nodePubkey === identityPubkey
        ? `message authentication failed, though the key is that of node ${nodePubkey}: the bytes are damaged, or are another node's backup; take another version (scb-mirror list shows them)`
        : `message authentication failed: the key is for certain not the one of this backup. It is that of node ${identityPubkey}, and the backup is of node ${nodePubkey}: use that node's seed, passphrase and network`;
  return new ScbError("decrypt", message, { cause: error });
}

/** The key's encrypter, for the backups of one node: where it does not open one, it says why. */
export function explainingEncrypter(key: LoadedKey, nodePubkey: string | null): Encrypter {
  const { encrypter } = key;
  return {
    encrypt: encrypter.encrypt,
    decrypt(packed) {
      try {
        return encrypter.decrypt(packed);
      } catch (error) {
        throw explainWrongKey(error, key, nodePubkey);
      }
    },
  };
}

/**
 * The public key of the node whose folder this is, by its name or else by its pointer; null where
 * neither says it.
 */
export async function nodePubkeyOf(
  store: ObjectStore,
  node: string,
  options?: RequestOptions,
): Promise<string | null> {
  if (isNodePubkey(node)) return node;
  return (await readPointerOrNull(store, options))?.node.pubkey ?? null;
}

/** Whether a folder is named by the public key of its node. */
export function isNodePubkey(name: string): boolean {
  return /^0[23][0-9a-f]{64}$/.test(name);
}
