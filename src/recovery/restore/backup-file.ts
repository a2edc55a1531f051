import { access, constants, realpath } from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import type { Network } from "../../keychain/network.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import { shellQuote } from "../../runtime/shell-quote.ts";
import { checkOutputTarget, type OutputTarget, orNull, writeOutputFile } from "../output-file.ts";

/**
 * Where a backup can be written to. Throws as `checkOutputTarget`, and "refused" inside an lnd folder:
 * a file put in the place of lnd's own restores nothing, and a wrong one keeps lnd from starting.
 */
export async function checkBackupTarget(
  name: string,
  options: { readonly force: boolean },
): Promise<OutputTarget> {
  // First: nobody shall be told to force a file into lnd's folder.
  const { path } = await checkOutputTarget(name, { force: true });
  await refuseLndFolder(await realpath(dirname(path)));
  return checkOutputTarget(name, options);
}

/** Writes a backup, readable by its owner only. Throws as `writeOutputFile`. */
export function writeBackupFile(
  target: OutputTarget,
  packed: Uint8Array,
  random: Random,
): Promise<void> {
  return writeOutputFile(target, packed, { mode: 0o600, random });
}

/** Where a version that is needed besides goes: `channel.also-1.backup` beside `channel.backup`. */
export function alsoFile(path: string, number: number): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.also-${number}${ext}`);
}

/** The line that brings the channels back, to be run where the new node is. */
export function restoreCommand(file: string, network: Network | null): string {
  return `${lncli(network)} restorechanbackup --multi_file=${shellQuote(file)}`;
}

/** lncli, for a network: `lncli --network=testnet`. */
export function lncli(network: Network | null): string {
  return network === null || network === "mainnet" ? "lncli" : `lncli --network=${network}`;
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
