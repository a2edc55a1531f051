import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ScbError } from "../runtime/error.ts";
import type { FileTask } from "./file-calls.ts";
import { unless } from "./file-errors.ts";
import { compareKeys, isKeySegment } from "./object-key.ts";
import { type ListedObject, type ListOptions, mostListed } from "./object-store.ts";

/** How many files' sizes are read in one step. */
const lookedAtOnce = 64;

export interface FileWalk extends Pick<ListOptions, "startAfter"> {
  /** The start of every key to list. */
  readonly prefix: string;
  /** Runs one step of the walk within the time left for all of it. */
  step<T>(run: (task: FileTask) => Promise<T>): Promise<T>;
  /** Counts the names seen, because a long listing may take longer. */
  seen(names: number): void;
}

interface FoundEntry {
  readonly path: string;
  readonly key: string;
  readonly isFolder: boolean;
}

/**
 * Walks `folder`, whose files have keys starting with `folderKey`, and yields the wanted keys in order.
 * Skips anything but plain files and folders, and names that no key can have (hidden files,
 * `lost+found`). Reads a folder's entries one by one, so that a narrow prefix in a large folder takes
 * little memory.
 */
export async function* walkFiles(
  folder: string,
  folderKey: string,
  walk: FileWalk,
): AsyncGenerator<ListedObject> {
  const found = await walk.step((task) => readFolder(task, folder, folderKey, walk));
  for (let start = 0; start < found.length; start += lookedAtOnce) {
    const looked = found.slice(start, start + lookedAtOnce);
    const stats = await walk.step((task) =>
      Promise.all(
        looked.map(({ path, isFolder }) =>
          isFolder
            ? undefined
            : unless(
                task.run(() => stat(path)),
                "ENOENT",
              ),
        ),
      ),
    );
    for (const [at, { key, path, isFolder }] of looked.entries()) {
      const file = stats[at];
      if (isFolder) yield* walkFiles(path, key, walk);
      else if (file !== undefined) {
        yield { key, sizeBytes: file.size, modifiedAt: Math.round(file.mtimeMs) };
      }
    }
  }
}

async function readFolder(
  task: FileTask,
  folder: string,
  folderKey: string,
  { prefix, startAfter = "", seen }: FileWalk,
): Promise<readonly FoundEntry[]> {
  const entries = await unless(
    task.run(() => opendir(folder, { bufferSize: 1024 })),
    "ENOENT",
    "ENOTDIR",
  );
  if (entries === undefined) return [];
  const found: FoundEntry[] = [];
  try {
    for (;;) {
      const entry = await task.run(() => entries.read());
      if (entry === null) break;
      seen(1);
      const isFolder = entry.isDirectory();
      if (!isKeySegment(entry.name) || !(entry.isFile() || isFolder)) continue;
      // "a/b" comes after "a.b", so a folder sorts as the start of the keys in it.
      const key = `${folderKey}${entry.name}${isFolder ? "/" : ""}`;
      const isWanted = isFolder
        ? (key.startsWith(prefix) || prefix.startsWith(key)) &&
          (startAfter <= key || startAfter.startsWith(key))
        : key.startsWith(prefix) && key > startAfter;
      if (isWanted) found.push({ path: join(folder, entry.name), key, isFolder });
    }
  } finally {
    await task.finish(() => entries.close());
  }
  return found.sort((a, b) => compareKeys(a.key, b.key));
}

/** Throws once a walk has seen more names than any store of backups can have. */
export function checkListed(names: number, doing: string): void {
  if (names <= mostListed) return;
  throw new ScbError(
    "store-unknown",
    `${doing} was given up: it hadn't ended after ${mostListed} names`,
  );
}
