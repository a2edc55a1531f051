import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { readPointerOrNull } from "./pointer.ts";

/**
 * Makes a "decrypt" error as precise as possible: a node's identity key comes from the same seed as its
 * backup key. `nodePubkey` is the node that made the backup, or null if not known. Returns any other
 * error unchanged.
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
      ? `message authentication failed: this key belongs to node ${identityPubkey}. If the backup is another node's, the seed, passphrase or network is wrong; otherwise the backup is damaged`
      : nodePubkey === identityPubkey
        ? `message authentication failed, although the key belongs to node ${nodePubkey}: the backup is damaged, or is another node's; use another version (scb-mirror list shows them)`
        : `message authentication failed: this is the wrong key. It belongs to node ${identityPubkey}, but the backup is from node ${nodePubkey}: use that node's seed, passphrase and network`;
  return new ScbError("decrypt", message, { cause: error });
}

/** The key's encrypter for one node's backups. If a backup doesn't open, the error says why. */
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
 * The public key of the folder's node, from the folder's name or else from the pointer; null if neither
 * has it.
 */
export async function nodePubkeyOf(
  store: ObjectStore,
  node: string,
  options?: RequestOptions,
): Promise<string | null> {
  if (isNodePubkey(node)) return node;
  return (await readPointerOrNull(store, options))?.node.pubkey ?? null;
}

/** Whether a folder's name is its node's public key. */
export function isNodePubkey(name: string): boolean {
  return /^0[23][0-9a-f]{64}$/.test(name);
}
