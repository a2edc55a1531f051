import { readFile, stat } from "node:fs/promises";
import { largestBackupSizeBytes } from "../node/stable-file.ts";
import { fetchFromAny } from "../recovery/restore/several-stores.ts";
import { isNodePubkey, nodePubkeyOf } from "../repository/wrong-key.ts";
import { ScbError } from "../runtime/error.ts";
import type { ActionContext } from "./action.ts";
import { withNodeStores } from "./node-store.ts";
import { readStores } from "./read-stores.ts";

/** A backup that a person named, and its name for messages. */
export interface NamedBackup {
  readonly name: string;
  /** The store that it is from, if there are several; null for a file. */
  readonly store: string | null;
  readonly packed: Uint8Array;
  /** When it was saved, or the file was written. Milliseconds since 1970. */
  readonly savedAt: number;
  /** The node that made it, if the operator or the store says so. */
  readonly nodePubkey: string | null;
}

/**
 * Reads a backup that was named on the command line: "latest", a sequence or a key is a version in the
 * store; anything else is a file (so `./12` is the file named 12). Throws "io", "not-found", and what the
 * store throws.
 */
export async function readBackupArgument(
  context: ActionContext,
  which: string,
): Promise<NamedBackup> {
  const isVersion = which === "latest" || /^\d+$/.test(which) || which.startsWith("versions/");
  if (!isVersion) {
    const { node = "" } = context.settings;
    return {
      ...(await readBackupFile(which)),
      store: null,
      nodePubkey: isNodePubkey(node) ? node : null,
    };
  }
  const { signal, clock } = context;
  return withNodeStores(context, async (nodeStores) => {
    const now = clock.now();
    const { read } = await readStores(nodeStores, { key: null, now, signal });
    const { from, backup } = await fetchFromAny(read, { which }, { now, signal });
    const isOne = nodeStores.length === 1;
    return {
      name: isOne ? backup.key : `${backup.key} of ${from.name}`,
      store: isOne ? null : from.name,
      packed: backup.packed,
      savedAt: backup.savedAt,
      nodePubkey: await nodePubkeyOf(from.store, from.node, { signal }),
    };
  });
}

async function readBackupFile(path: string): Promise<Omit<NamedBackup, "nodePubkey" | "store">> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      throw new ScbError("io", `${path} is a folder: name the channel.backup inside it`);
    }
    if (info.isCharacterDevice() || info.size > largestBackupSizeBytes) {
      const what = info.isCharacterDevice() ? "is a device" : `has ${info.size} bytes`;
      throw new ScbError("decode", `${path} ${what}, so it isn't a channel backup`);
    }
    return { name: path, packed: await readFile(path), savedAt: info.mtimeMs };
  } catch (error) {
    if (error instanceof ScbError) throw error;
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    const hint = reason === "ENOENT" ? "there is no such file" : reason;
    throw new ScbError(
      "io",
      `can't read ${path}: ${hint} (to name a version, give its sequence, its key, or "latest")`,
      { cause: error },
    );
  }
}
