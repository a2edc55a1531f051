import type { BackupContents } from "../chanbackup/backup-contents.ts";
import type { PackedMulti } from "../chanbackup/packed-multi.ts";
import type { LimboChannel, Snapshot } from "../chanbackup/snapshot.ts";
import { sha256Hex } from "../runtime/digest.ts";

/** A packed Multi on its way to the store, and what is known about it. */
export interface Candidate {
  readonly packed: PackedMulti;
  readonly sha256: string;
  /** Null if nothing could open it. */
  readonly contents: BackupContents | null;
  /** The counts and the digest of `contents`; null if they can't be known. */
  readonly channels: number | null;
  readonly channelPointsSha256: string | null;
  readonly bareChannels: number | null;
  readonly verifiedBy: "lnd" | "key" | null;
  /** The channels whose funds the node still awaits; null if its source can't tell. */
  readonly limbo: readonly LimboChannel[] | null;
}

export function newCandidate(
  packed: PackedMulti,
  contents: BackupContents | null,
  verifiedBy: Candidate["verifiedBy"],
  limbo: Candidate["limbo"] = null,
): Candidate {
  return {
    packed,
    sha256: sha256Hex(packed),
    contents,
    channels: contents?.channelPoints.length ?? null,
    channelPointsSha256: contents === null ? null : channelPointsDigest(contents.channelPoints),
    bareChannels: contents?.bareChannelPoints?.length ?? null,
    verifiedBy,
    limbo,
  };
}

export function candidateFromSnapshot(snapshot: Snapshot): Candidate {
  const { packed, channelPoints, bareChannelPoints, verifiedBy, limbo } = snapshot;
  const contents = channelPoints === null ? null : { channelPoints, bareChannelPoints };
  return newCandidate(packed, contents, verifiedBy, limbo);
}

/** A digest of a set of channel points, given sorted. Equal sets have equal digests. */
export function channelPointsDigest(sortedPoints: readonly string[]): string {
  return sha256Hex(sortedPoints.map((point) => `${point}\n`).join(""));
}
