import { collectFolder } from "../checks/collect.ts";
import type { FolderEvidence } from "../checks/evidence.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import type { AllStores } from "../recovery/restore/newest-of-all.ts";
import { encrypterFor } from "./backup-key.ts";
import { inEachStore } from "./each-store.ts";
import type { NodeStore, NodeStores } from "./node-store.ts";

/** One of the node's stores, whose pointer was read, and what decrypts its versions. */
export interface OpenedStore extends NodeStore {
  readonly encrypter: Encrypter | undefined;
  readonly folder: FolderEvidence;
}

/**
 * Reads the node's folder in each store, for commands that take a version from any store that has it.
 * Throws what the stores throw if none of them shows its pointer.
 */
export async function readStores(
  stores: NodeStores,
  options: { readonly key: LoadedKey | null; readonly now: number; readonly signal: AbortSignal },
): Promise<AllStores<OpenedStore>> {
  const { key, now, signal } = options;
  const outcomes = await inEachStore(stores, async (nodeStore): Promise<OpenedStore> => {
    const { store, node } = nodeStore;
    const encrypter = await encrypterFor(nodeStore, key, signal);
    const { folder } = await collectFolder({ store, node, encrypter, now, signal });
    if (!folder.current.known) throw folder.current.error;
    return { ...nodeStore, encrypter, folder };
  });
  return {
    read: outcomes.flatMap((one) => (one.known ? one.value : [])),
    unread: outcomes.flatMap(({ name, ...one }) => (one.known ? [] : { name, error: one.error })),
  };
}
