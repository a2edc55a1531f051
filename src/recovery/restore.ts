import { access, constants, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { emptyMultiSizeBytes, unpackMulti } from "../chanbackup/packed-multi.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { Network } from "../keychain/network.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { findVersion } from "./history.ts";

export interface RestoredBackup {
  readonly key: string;
  readonly sequence: number;
  readonly sha256: string;
  readonly packed: Uint8Array;
  readonly verified: { readonly hash: boolean; readonly decrypted: boolean };
  /** Null without a key, unless the Multi is empty. */
  readonly channels: number | null;
  /** Milliseconds since 1970. */
  readonly committedAt: number;
}

export interface FetchBackupOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** "latest", a sequence, or a key. */
  readonly which: string;
  readonly encrypter?: Encrypter | undefined;
}

/**
 * Fetches one version and checks it: size and hash against what was recorded when it was saved, and
 * that it decrypts and parses where a key is given. Throws "not-found", "version-damaged", "decrypt"
 * or "decode"; what does not check out is never handed on.
 */
export async function fetchBackup(options: FetchBackupOptions): Promise<RestoredBackup> {
  const { store, which, encrypter, signal } = options;
  const version = await findVersion(store, which, { signal });
  const where = `${store.location}/${version.key}`;
  const stored = await store.get(version.key, { signal });
  if (stored === null) {
    throw new ScbError(
      "not-found",
      `${where} is not there: scb-mirror list shows what can be restored`,
    );
  }
  const sha256 = sha256Hex(stored.bytes);
  if (version.sha256 !== null && version.sha256 !== sha256) {
    throw new ScbError(
      "version-damaged",
      `${where} holds ${stored.bytes.length} bytes that are not the ones that were saved; nothing was written: restore an older one by its sequence (scb-mirror list shows them)`,
    );
  }
  const decrypted = encrypter === undefined ? null : unpackMulti(stored.bytes, encrypter);
  const isEmpty = stored.bytes.length === emptyMultiSizeBytes;
  return {
    key: version.key,
    sequence: version.sequence,
    sha256,
    packed: stored.bytes,
    verified: { hash: version.sha256 !== null, decrypted: decrypted !== null },
    channels: decrypted?.staticBackups.length ?? (isEmpty ? 0 : null),
    committedAt: version.committedAt,
  };
}

/**
 * Writes a backup to `path`, whole or not at all, readable by its owner only. Throws "exists" where
 * a file is there and `force` is false, and "refused" inside an lnd folder: a file put in the place
 * of lnd's own restores nothing, and a wrong one keeps lnd from starting.
 */
export async function writeBackupFile(
  path: string,
  packed: Uint8Array,
  options: { readonly force: boolean },
): Promise<string> {
  const target = resolve(path);
  await refuseLndFolder(target);
  if (!options.force && (await exists(target))) {
    throw new ScbError(
      "exists",
      `${target} is there already and was left as it is: choose another name with -o, or give --force`,
    );
  }
  const temporary = `${target}.${process.pid}.partial`;
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
    throw new ScbError(
      "io",
      `cannot write ${target}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  return target;
}

/** The line that brings the channels back, to be run where the new node is. */
export function restoreCommand(file: string, network: Network | null): string {
  const flag = network === null || network === "mainnet" ? "" : ` --network=${network}`;
  return `lncli${flag} restorechanbackup --multi_file=${shellQuote(file)}`;
}

/** What lies in the folder of a node's own backup, or beside it. */
const lndFiles = ["wallet.db", "channel.db", "channel.sqlite", "macaroons.db", "lnd.conf"] as const;

async function refuseLndFolder(target: string): Promise<void> {
  const folder = dirname(target);
  for (const name of lndFiles) {
    if (!(await exists(`${folder}/${name}`))) continue;
    throw new ScbError(
      "refused",
      `${folder} looks like a folder of lnd (it holds ${name}): a backup put there restores nothing, and a wrong one keeps lnd from starting; write it elsewhere with -o and run the lncli line`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}

/** One word of a shell's command line. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
