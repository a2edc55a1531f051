import { isEmptyMulti, packedMultiFlaw, unpackMulti } from "../chanbackup/packed-multi.ts";
import type { Single } from "../chanbackup/single.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import type { AlsoRestore } from "./also-restore.ts";
import { findVersion } from "./find-version.ts";
import { parseVersionKey, type VersionName } from "./layout.ts";
import { readVersion } from "./version.ts";
import { metadataOf, readVersionMetadata, type VersionMetadata } from "./version-metadata.ts";

/** A version that was fetched and checked for a restore. */
export interface RestoredBackup {
  readonly key: string;
  readonly sequence: number;
  readonly sha256: string;
  readonly packed: Uint8Array;
  readonly verified: {
    /** The bytes are those that were saved. False if their hash was never recorded. */
    readonly hash: boolean;
    readonly decrypted: boolean;
  };
  /**
   * Whether the version's metadata about itself and its predecessor is right. Null if not known: its
   * metadata is lost, or the predecessor was pruned.
   */
  readonly chain: boolean | null;
  /** Null without a key, unless the Multi is empty. */
  readonly channels: number | null;
  /** Null without a key. */
  readonly singles: readonly Single[] | null;
  /** The earlier of the writer's clock and the store's, milliseconds since 1970. */
  readonly savedAt: number;
  /** The older versions that a restore also needed when it was saved, by its own metadata. */
  readonly alsoRestore: readonly AlsoRestore[];
}

export interface FetchBackupOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** "latest", a sequence, or a key. */
  readonly which: string;
  /** The hash from elsewhere, used only if the folder doesn't record one. */
  readonly sha256?: string | null | undefined;
  readonly encrypter?: Encrypter | undefined;
}

/**
 * Fetches one version and checks its size and hash against what was recorded when it was saved, its place
 * in the history and, with a key, that it decrypts and parses. Throws "not-found", "version-damaged",
 * "decrypt" or "decode", and never returns a version that fails a check.
 *
 * The place in the history alone never blocks a restore: a damaged predecessor makes this version no
 * worse.
 */
export async function fetchBackup(options: FetchBackupOptions): Promise<RestoredBackup> {
  const { store, which, encrypter, signal } = options;
  const found = await findVersion(store, which, { signal });
  const version = { ...found, sha256: found.sha256 ?? options.sha256 };
  const where = `${store.location}/${version.key}`;
  const read = await readVersion(store, version, { signal });
  if (read.kind === "missing") {
    throw new ScbError("not-found", `${where} is not there: scb-mirror list shows the versions`);
  }
  const { bytes, sha256, metadata } = read;
  if (read.kind === "damaged" && read.savedSha256 !== sha256) {
    throw new ScbError(
      "version-damaged",
      `${where} is damaged: it holds ${bytes.length || "other"} bytes that are not the ones that were saved; nothing was written`,
    );
  }
  const flaw = packedMultiFlaw(bytes);
  if (flaw !== null) {
    throw new ScbError("version-damaged", `${where} is not a channel backup: ${flaw}`);
  }
  const singles = encrypter === undefined ? null : opened(bytes, encrypter, where);
  return {
    key: version.key,
    sequence: version.sequence,
    sha256,
    packed: bytes,
    verified: { hash: read.kind === "whole", decrypted: singles !== null },
    chain: await checkChain(store, version, sha256, metadata, signal),
    channels: singles?.length ?? (isEmptyMulti(bytes) ? 0 : null),
    singles,
    savedAt: Math.min(version.committedAt, read.storedAt),
    alsoRestore: metadata?.alsoRestore ?? [],
  };
}

function opened(bytes: Uint8Array, encrypter: Encrypter, where: string): readonly Single[] {
  try {
    return unpackMulti(bytes, encrypter).staticBackups;
  } catch (error) {
    const { code, message } = ScbError.from(error);
    throw new ScbError(code, `${where}: ${message}`, { cause: error });
  }
}

async function checkChain(
  store: ObjectStore,
  version: VersionName,
  sha256: string,
  own: VersionMetadata | null,
  signal: AbortSignal | undefined,
): Promise<boolean | null> {
  if (own === null) return null;
  const { operation, sequence, previous } = own;
  const isItself =
    operation === version.operation && sequence === version.sequence && own.sha256 === sha256;
  if (!isItself) return false;
  if (previous === null) return sequence === 1;
  const name = parseVersionKey(previous.key);
  if (name === null || name.sequence >= sequence) return false;
  try {
    const theirs = readVersionMetadata(await metadataOf(store, previous.key, { signal }));
    // A predecessor from --single-writer may have no recorded hash, so only its key is known.
    if (theirs === null || previous.sha256 === "") return null;
    return theirs.sha256 === previous.sha256;
  } catch (error) {
    if (hasCode(error, "aborted")) throw error;
    return null;
  }
}
