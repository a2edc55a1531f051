import { access, constants, realpath } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import type { Network } from "../../keychain/network.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import { shellQuote } from "../../runtime/shell-quote.ts";
import { checkOutputTarget, type OutputTarget, orNull, writeOutputFile } from "../output-file.ts";

/**
 * Checks that a backup can be written here. Throws like `checkOutputTarget`, and "refused" inside one of
 * lnd's folders: replacing lnd's own backup restores nothing, and a wrong file keeps lnd from starting.
 */
export async function checkBackupTarget(
  name: string,
  options: { readonly force: boolean },
): Promise<OutputTarget> {
  // First, so that nobody is told to use --force in lnd's folder.
  const { path } = await checkOutputTarget(name, { force: true });
  await refuseLndFolder(await realpath(dirname(path)));
  return checkOutputTarget(name, options);
}

/** Writes a backup, readable by its owner only. Throws like `writeOutputFile`. */
export function writeBackupFile(
  target: OutputTarget,
  packed: Uint8Array,
  random: Random,
): Promise<void> {
  return writeOutputFile(target, packed, { mode: 0o600, random });
}

/** The file of an older version that a restore also needs: `channel.also-1.backup`. */
export function alsoFile(path: string, number: number): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.also-${number}${ext}`);
}

/** The command that restores the channels, to be run on the new node's machine. */
export function restoreCommand(file: string, network: Network | null): string {
  return `${lncli(network)} restorechanbackup --multi_file=${shellQuote(file)}`;
}

/** lncli, for a network: `lncli --network=testnet`. */
export function lncli(network: Network | null): string {
  return network === null || network === "mainnet" ? "lncli" : `lncli --network=${network}`;
}

/** Files that show that a folder is lnd's. */
const lndFiles = ["wallet.db", "channel.db", "channel.sqlite", "macaroons.db", "lnd.conf"] as const;
/** Where lnd looks for its own backup, even before it has a wallet. */
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
    `${folder} looks like one of lnd's folders (${why}): a backup there restores nothing, and a wrong one keeps lnd from starting; write it elsewhere with -o, then run the lncli command`,
  );
}

async function exists(path: string): Promise<boolean> {
  return (await orNull(access(path, constants.F_OK).then(() => true))) ?? false;
}
