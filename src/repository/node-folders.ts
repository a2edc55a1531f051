import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { latestKey, versionsPrefix } from "./layout.ts";

/** The names of all folders with a node's backups, sorted. */
export async function nodeFolders(store: ObjectStore, signal: AbortSignal): Promise<string[]> {
  const nodes: string[] = [];
  for await (const folder of store.listFolders("", { signal })) {
    if (await isNodeFolder(prefixedStore(store, folder), signal)) nodes.push(folder);
  }
  return nodes.sort();
}

/** Whether `store`, a folder, holds a node's backups. */
export async function isNodeFolder(store: ObjectStore, signal?: AbortSignal): Promise<boolean> {
  if ((await store.head(latestKey, { signal })) !== null) return true;
  for await (const _ of store.list(versionsPrefix, { signal })) return true;
  return false;
}
