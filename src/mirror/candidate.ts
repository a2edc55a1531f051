import type { PackedMulti } from "../chanbackup/packed-multi.ts";
import type { Snapshot } from "../chanbackup/snapshot.ts";
import { sha256Hex } from "../runtime/digest.ts";

/** A packed Multi on its way to the store, with what is known of it. */
export interface Candidate {
  readonly packed: PackedMulti;
  readonly sha256: string;
  /** Null where it cannot be known. */
  readonly channels: number | null;
  readonly channelPointsSha256: string | null;
  readonly verifiedBy: "lnd" | "key" | null;
}

export function candidateFromSnapshot(snapshot: Snapshot): Candidate {
  const points = snapshot.channelPoints;
  return {
    packed: snapshot.packed,
    sha256: sha256Hex(snapshot.packed),
    channels: points === null ? null : points.length,
    channelPointsSha256: points === null ? null : channelPointsDigest(points),
    verifiedBy: snapshot.verifiedBy,
  };
}

/** One digest for a set of channel points, given sorted: equal sets have equal digests. */
export function channelPointsDigest(sortedPoints: readonly string[]): string {
  return sha256Hex(sortedPoints.map((point) => `${point}\n`).join(""));
}
