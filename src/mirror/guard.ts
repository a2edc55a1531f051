import { emptyMultiSizeBytes, packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { Base } from "../repository/base.ts";
import type { Candidate } from "./candidate.ts";
import type { HeldBackups } from "./held-backups.ts";

/** Why a guard holds a candidate back. */
export interface Refusal {
  readonly code: "empty" | "not-a-multi" | "unverified" | "channels-gone" | "poorer" | "not-ours";
  /** What was seen, and what to do. */
  readonly message: string;
}

/**
 * A check that a candidate passes before the pointer may move. Null lets it pass; what it throws
 * ends the attempt, and nothing is committed.
 */
export type Guard = (
  candidate: Candidate,
  base: Base,
  signal?: AbortSignal,
) => Refusal | null | Promise<Refusal | null>;

/** What shows, without any key, that these bytes are no packed Multi: cut off, or text. */
export const refuseMalformed: Guard = (candidate) => {
  const flaw = packedMultiFlaw(candidate.packed);
  if (flaw === null) return null;
  return {
    code: "not-a-multi",
    message: `the candidate is no channel backup: ${flaw}; look at what the node, or the file, hands out`,
  };
};

/**
 * An empty Multi never replaces one that is not empty: that is how a wiped or wrongly started node
 * looks. It may where the node itself calls each channel of that one closed; `isAccepted` is the
 * operator's explicit word for this once.
 */
export function refuseEmpty(isAccepted: () => boolean, heldBackups?: HeldBackups): Guard {
  return async (candidate, base, signal) => {
    const heldSizeBytes = base.kind === "none" ? base.leftoverSizeBytes : base.held.sizeBytes;
    const empties =
      candidate.packed.length === emptyMultiSizeBytes && heldSizeBytes > emptyMultiSizeBytes;
    if (!empties || isAccepted()) return null;
    if (base.held !== null && (await heldBackups?.areAllClosed(base.held, signal))) return null;
    return {
      code: "empty",
      message:
        "the node's backup is empty (45 bytes: no channels), and the store holds one that is not; the good one stays current. Look at the node before anything else: its channel database may be gone. If every channel was really closed: scb-mirror accept, or run once with --accept-empty (in a program: acceptEmpty)",
    };
  };
}

/**
 * In a folder that a running node has written, a smaller backup that nobody could open never becomes
 * current: channels are missing from it, or it is another node's, put in the place of the node's file
 * while the node was down. As soon as the node runs, it verifies what it hands out.
 */
export const refuseUnverifiedShrink: Guard = (candidate, base) => {
  const isDoubtful =
    base.kind === "pointer" &&
    base.pointer.node.pubkey !== null &&
    candidate.verifiedBy === null &&
    candidate.packed.length < base.held.sizeBytes;
  if (!isDoubtful) return null;
  return {
    code: "unverified",
    message: `the new backup is smaller (${candidate.packed.length} bytes for ${base.held.sizeBytes}) and nobody could open it; the one in the store stays current. Let lnd verify it (--from lnd, with lnd running), or give --key-file`,
  };
};
