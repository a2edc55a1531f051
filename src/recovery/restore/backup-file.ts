import { access, constants, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Network } from "../../keychain/network.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";

/**
 * Where a backup can be written to. Throws "exists" where a file is there and `force` is false, "io"
 * where its folder is missing, and "refused" inside an lnd folder: a file put in the place of lnd's
 * own restores nothing, and a wrong one keeps lnd from starting. Returns the absolute path.
 */
export async function checkBackupTarget(
  path: string,
  options: { readonly force: boolean },
): Promise<string> {
  const target = resolve(path);
  const info = await orNull(stat(target));
  if (info?.isDirectory() === true) {
    throw new ScbError("io", `${target} is a folder: name a file in it with -o`);
  }
  const folder = await orNull(realpath(dirname(target)));
  if (folder === null) {
    throw new ScbError(
      "io",
      `${dirname(target)} is not there: make this folder, or choose another`,
    );
  }
  await refuseLndFolder(folder);
  if (info !== null && !options.force) {
    throw new ScbError(
      "exists",
      `${target} is there already and was left as it is: choose another name with -o, or give --force`,
    );
  }
  return target;
}

/**
 * Writes a backup to a path that was checked, whole or not at all, readable by its owner only.
 * Throws "io".
 */
export async function writeBackupFile(
  target: string,
  packed: Uint8Array,
  random: Random,
): Promise<void> {
  // Not the process id: in a container every run has the same one.
  const token = Buffer.from(random.bytes(6)).toString("hex");
  const temporary = join(dirname(target), `.${basename(target)}.${token}.partial`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(packed);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new ScbError("io", `cannot write ${target}: ${reasonOf(error)}; nothing was left there`, {
      cause: error,
    });
  }
}

/** The line that brings the channels back, to be run where the new node is. */
export function restoreCommand(file: string, network: Network | null): string {
  return `${lncli(network)} restorechanbackup --multi_file=${shellQuote(file)}`;
}

/** lncli, for a network: `lncli --network=testnet`. */
export function lncli(network: Network | null): string {
  return network === null || network === "mainnet" ? "lncli" : `lncli --network=${network}`;
}

/** One word of a line that a person pastes into a shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What lies in the folder of a node's own backup, or beside it. */
const lndFiles = ["wallet.db", "channel.db", "channel.sqlite", "macaroons.db", "lnd.conf"] as const;
/** Where lnd will look for its own backup, also before its wallet is made. */
const lndChainFolder = /\/data\/chain\/bitcoin\/[a-z0-9]+$/;

async function refuseLndFolder(folder: string): Promise<void> {
  for (const name of lndFiles) {
    if (await exists(join(folder, name))) throw inLndFolder(folder, `it holds ${name}`);
  }
  if (lndChainFolder.test(folder.replaceAll("\\", "/"))) {
    throw inLndFolder(folder, "lnd looks for its own backup there");
  }
}

function inLndFolder(folder: string, why: string): ScbError {
  return new ScbError(
    "refused",
    `${folder} looks like a folder of lnd (${why}): a backup put there restores nothing, and a wrong one keeps lnd from starting; write it elsewhere with -o and run the lncli line`,
  );
}

async function exists(path: string): Promise<boolean> {
  return (await orNull(access(path, constants.F_OK).then(() => true))) ?? false;
}

/** Null where there is no such file, or where this user may not look. */
async function orNull<T>(look: Promise<T>): Promise<T | null> {
  try {
    return await look;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(codeOf(error))) return null;
    throw new ScbError("io", error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space, or choose another with -o",
  EDQUOT: "the disk quota is used up: choose another disk with -o",
  EACCES: "this user may not write there: choose another folder with -o",
  EPERM: "this user may not write there: choose another folder with -o",
  EROFS: "the disk is read-only: choose another with -o",
};

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return reasons[codeOf(error)] ?? message;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
