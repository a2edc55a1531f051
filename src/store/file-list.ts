import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../runtime/abort.ts";
import { unless } from "./file-errors.ts";
import { compareKeys, isKeySegment } from "./object-key.ts";
import type { ListedObject, ListOptions } from "./object-store.ts";

/**
 * Walks `folder`, whose files have keys that begin with `folderKey`, and yields those keys that
 * begin with `prefix`, in order. What is no plain file or folder, or has no name that a key could
 * have (hidden files, `lost+found`), is passed over.
 */
export async function* walkFiles(
  folder: string,
  folderKey: string,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ListedObject> {
  const { startAfter = "", signal } = options;
  throwIfAborted(signal);
  const entries = await unless(readdir(folder, { withFileTypes: true }), "ENOENT", "ENOTDIR");
  const found = (entries ?? [])
    .filter((entry) => isKeySegment(entry.name) && (entry.isFile() || entry.isDirectory()))
    // "a/b" comes after "a.b": a folder is sorted as the beginning of the keys in it.
    .map((entry) => ({
      name: entry.name,
      key: `${folderKey}${entry.name}${entry.isFile() ? "" : "/"}`,
    }))
    .sort((a, b) => compareKeys(a.key, b.key));
  for (const { name, key } of found) {
    const path = join(folder, name);
    if (key.endsWith("/")) {
      const matches = key.startsWith(prefix) || prefix.startsWith(key);
      const isPassed = startAfter > key && !startAfter.startsWith(key);
      if (matches && !isPassed) yield* walkFiles(path, key, prefix, options);
      continue;
    }
    if (!key.startsWith(prefix) || key <= startAfter) continue;
    throwIfAborted(signal);
    const stats = await unless(stat(path), "ENOENT");
    if (stats === undefined) continue;
    yield { key, sizeBytes: stats.size, modifiedAt: Math.round(stats.mtimeMs) };
  }
}
