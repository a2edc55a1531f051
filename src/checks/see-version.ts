import { unpackMulti } from "../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import { type ExpectedVersion, readVersion } from "../repository/version.ts";
import { explainWrongKey } from "../repository/wrong-key.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { formatOutPoint } from "../wire/out-point.ts";
import type { Asked, OpenedSeen, VersionSeen } from "./evidence.ts";
import { nodeTrouble, storeTrouble, told } from "./told.ts";

/** Where versions are, and what has to open them. */
export interface SeeOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** A key that has to open the backup. */
  readonly encrypter?: Encrypter | undefined;
  /** The seed's node key, which shows for certain that a key is the wrong one; null if not known. */
  readonly identityPubkey?: string | null | undefined;
  /** A running node that has to open it. */
  readonly witness?: NodeWitness | undefined;
  /** Why the node can't be asked. */
  readonly nodeFailure?: ScbError | undefined;
}

/** A version that was read back, with its bytes. */
export interface ReadVersion {
  readonly version: VersionSeen;
  readonly packed: Uint8Array | null;
  /** According to its own metadata. */
  readonly alsoRestore: readonly AlsoRestore[];
}

/**
 * Reads a version back, and has the key and the node open it. `pubkey`: the node that it should belong to.
 * A missing answer of the store or node becomes part of the result: throws only "aborted" and defects.
 */
export async function seeVersion(
  options: SeeOptions,
  expected: ExpectedVersion,
  pubkey: string | null,
): Promise<ReadVersion> {
  const { store, encrypter, identityPubkey = null, witness, nodeFailure, signal } = options;
  const { key } = expected;
  const unasked = { asked: false } as const;
  const read = await told(storeTrouble, () => readVersion(store, expected, { signal }));
  const bytes = read.known && "bytes" in read.value ? read.value.bytes : null;
  const isThere = bytes !== null && read.known && read.value.kind !== "damaged";
  const opened = async (open: () => Promise<readonly string[]>): Promise<Asked<OpenedSeen>> => ({
    asked: true,
    ...(await told(nodeTrouble, async (): Promise<OpenedSeen> => {
      try {
        return { kind: "opened", channelPoints: await open() };
      } catch (error) {
        if (!hasCode(error, "decrypt", "decode")) throw error;
        return { kind: "sealed", error };
      }
    })),
  });
  const byKey =
    encrypter === undefined || !isThere
      ? unasked
      : await opened(async () => {
          try {
            return pointsIn(bytes, encrypter);
          } catch (error) {
            throw explainWrongKey(error, { identityPubkey }, pubkey);
          }
        });
  const byNode: Asked<OpenedSeen> =
    nodeFailure !== undefined
      ? { asked: true, known: false, error: nodeFailure }
      : witness === undefined || !isThere
        ? unasked
        : await opened(() => witness.channelPointsOf(bytes, signal));
  const reading: VersionSeen["reading"] = read.known
    ? { known: true, value: read.value.kind }
    : read;
  return {
    version: { key, reading, sizeBytes: bytes?.length || undefined, byKey, byNode },
    packed: bytes,
    alsoRestore: (read.known && "metadata" in read.value && read.value.metadata?.alsoRestore) || [],
  };
}

function pointsIn(packed: Uint8Array, encrypter: Encrypter): string[] {
  const { staticBackups } = unpackMulti(packed, encrypter);
  return staticBackups.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint));
}
