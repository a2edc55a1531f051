import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../runtime/abort.ts";
import { unless } from "./file-errors.ts";
import { compareKeys, isKeySegment } from "./object-key.ts";
import type { ListedObject, ListOptions } from "./object-store.ts";

/** One after the other, a hundred thousand files would take half a minute. */
const lookedAtOnce = 64;

/**
 * Walks `folder`, whose files have keys that begin with `folderKey`, and yields those keys that
 * begin with `prefix`, in order. What is no plain file or folder, or has no name that a key could
 * have (hidden files, `lost+found`), is passed over. The entries of a folder are read one by one, so
 * that a narrow prefix in a large one takes little memory.
 */
export async function* walkFiles(
  folder: string,
  folderKey: string,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ListedObject> {
  const { startAfter = "", signal } = options;
  throwIfAborted(signal);
  const entries = await unless(opendir(folder, { bufferSize: 1024 }), "ENOENT", "ENOTDIR");
  const found: { readonly name: string; readonly key: string }[] = [];
  for await (const entry of entries ?? []) {
    if (!isKeySegment(entry.name) || !(entry.isFile() || entry.isDirectory())) continue;
    // "a/b" comes after "a.b": a folder is sorted as the beginning of the keys in it.
    const key = `${folderKey}${entry.name}${entry.isFile() ? "" : "/"}`;
    const isWanted = entry.isFile()
      ? key.startsWith(prefix) && key > startAfter
      : (key.startsWith(prefix) || prefix.startsWith(key)) &&
        (startAfter <= key || startAfter.startsWith(key));
    if (isWanted) found.push({ name: entry.name, key });
  }
  found.sort((a, b) => compareKeys(a.key, b.key));
  for (let start = 0; start < found.length; start += lookedAtOnce) {
    throwIfAborted(signal);
    const looked = found.slice(start, start + lookedAtOnce).map(({ name, key }) => {
      const path = join(folder, name);
      return { key, path, isFolder: key.endsWith("/") };
    });
    const stats = await Promise.all(
      looked.map(({ path, isFolder }) => (isFolder ? undefined : unless(stat(path), "ENOENT"))),
    );
    for (const [at, { key, path, isFolder }] of looked.entries()) {
      const file = stats[at];
      if (isFolder) yield* walkFiles(path, key, prefix, options);
      else if (file !== undefined) {
        yield { key, sizeBytes: file.size, modifiedAt: Math.round(file.mtimeMs) };
      }
    }
  }
}
