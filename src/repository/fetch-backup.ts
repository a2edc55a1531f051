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

/** A version that was fetched and checked: what a restore takes. */
export interface RestoredBackup {
  readonly key: string;
  readonly sequence: number;
  readonly sha256: string;
  readonly packed: Uint8Array;
  readonly verified: {
    /** The bytes are those that were saved. False: their hash was never recorded. */
    readonly hash: boolean;
    readonly decrypted: boolean;
  };
  /**
   * It stands in the history where it says: what it tells of itself and of its predecessor is true.
   * Null where that is not known: its metadata is lost, or the predecessor was pruned.
   */
  readonly chain: boolean | null;
  /** Null without a key, unless the Multi is empty. */
  readonly channels: number | null;
  /** Null without a key. */
  readonly singles: readonly Single[] | null;
  /** The earlier of the writer's clock and the store's, milliseconds since 1970. */
  readonly savedAt: number;
  /** What a restore of it needed besides when it was saved, by its own metadata. */
  readonly alsoRestore: readonly AlsoRestore[];
}

export interface FetchBackupOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** "latest", a sequence, or a key. */
  readonly which: string;
  /** Its hash, by somebody who names it; only asked if the folder doesn't say it. */
  readonly sha256?: string | null | undefined;
  readonly encrypter?: Encrypter | undefined;
}

/**
 * Fetches one version and checks it: size and hash against what was recorded when it was saved, its
 * place in the history, and that it decrypts and parses where a key is given. Throws "not-found",
 * "version-damaged", "decrypt" or "decode"; what does not check out is never handed on.
 *
 * Only the place in the history never stops a restore: a predecessor that is damaged makes this
 * version no worse.
 */
export async function fetchBackup(options: FetchBackupOptions): Promise<RestoredBackup> {
  const { store, which, encrypter, signal } = options;
  const found = await findVersion(store, which, { signal });
  const version = { ...found, sha256: found.sha256 ?? options.sha256 };
  const where = `${store.location}/${version.key}`;
  const read = await readVersion(store, version, { signal });
  if (read.kind === "missing") {
    throw new ScbError(
      "not-found",
      `${where} is not there: scb-mirror list shows what can be restored`,
    );
  }
  const { bytes, sha256, metadata } = read;
  if (read.kind === "damaged" && read.savedSha256 !== sha256) {
    throw new ScbError(
      "version-damaged",
      `${where} holds ${bytes.length || "other"} bytes that are not the ones that were saved; nothing was written`,
    );
  }
  const flaw = packedMultiFlaw(bytes);
  if (flaw !== null) {
    throw new ScbError("version-damaged", `${where} is no channel backup: ${flaw}`);
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
    // Without a hash of its own a predecessor of --single-writer is named by its key alone.
    if (theirs === null || previous.sha256 === "") return null;
    return theirs.sha256 === previous.sha256;
  } catch (error) {
    if (hasCode(error, "aborted")) throw error;
    return null;
  }
}
