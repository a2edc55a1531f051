import { readFile, stat } from "node:fs/promises";
import { fetchBackup } from "../recovery/restore.ts";
import { ScbError } from "../runtime/error.ts";
import type { ActionContext } from "./action.ts";
import { withNodeStore } from "./node-store.ts";

/** A backup that a person named, and how to call it. */
export interface NamedBackup {
  readonly name: string;
  readonly packed: Uint8Array;
  /** When it was saved, or the file was written. Milliseconds since 1970. */
  readonly savedAt: number;
}

/**
 * Reads a backup that is named on the command line: "latest", a sequence or a key is a version in the
 * store; anything else is a file (`./12` is the file of that name). Throws "io", "not-found", and
 * what the store throws.
 */
export async function readBackupArgument(
  context: ActionContext,
  which: string,
): Promise<NamedBackup> {
  const isVersion = which === "latest" || /^\d+$/.test(which) || which.startsWith("versions/");
  if (!isVersion) return readBackupFile(which);
  const { signal } = context;
  const backup = await withNodeStore(context, ({ store }) => fetchBackup({ store, which, signal }));
  return { name: backup.key, packed: backup.packed, savedAt: backup.committedAt };
}

async function readBackupFile(path: string): Promise<NamedBackup> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      throw new ScbError("io", `${path} is a folder: name the channel.backup in it`);
    }
    return { name: path, packed: await readFile(path), savedAt: info.mtimeMs };
  } catch (error) {
    if (error instanceof ScbError) throw error;
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const hint = reason === "ENOENT" ? "there is no such file" : reason;
    throw new ScbError(
      "io",
      `cannot read ${path}: ${hint} (a version is named by its sequence, its key, or "latest")`,
      { cause: error },
    );
  }
}
