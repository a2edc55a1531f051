import { emptyMultiSizeBytes, packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { Base } from "../repository/base.ts";
import type { Candidate } from "./candidate.ts";
import type { HeldBackups } from "./held-backups.ts";

/** Why a guard refuses a candidate. */
export interface Refusal {
  readonly code: "empty" | "not-a-multi" | "unverified" | "channels-gone" | "poorer" | "not-ours";
  /** What was seen, and what to do about it. */
  readonly message: string;
}

/**
 * A check that a candidate must pass before the pointer may move. Null lets it pass. An exception ends
 * the attempt, and nothing is committed.
 */
export type Guard = (
  candidate: Candidate,
  base: Base,
  signal?: AbortSignal,
) => Refusal | null | Promise<Refusal | null>;

/** Refuses bytes that, even without a key, can't be a packed Multi: truncated, or text. */
export const refuseMalformed: Guard = (candidate) => {
  const flaw = packedMultiFlaw(candidate.packed);
  if (flaw === null) return null;
  return {
    code: "not-a-multi",
    message: `the candidate is not a channel backup: ${flaw}; check what the node or the file provides`,
  };
};

/**
 * Never lets an empty Multi replace one with channels, because that is what a wiped or wrongly started
 * node exports. Exceptions: the node itself says that each of those channels is closed, or `isAccepted`
 * gives the operator's explicit permission.
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
        "the node's backup is empty (45 bytes: no channels), but the store's backup has channels, so that one stays current. Check the node first: its channel database may be gone. If every channel really is closed, run scb-mirror accept, or run once with --accept-empty (in a program: acceptEmpty)",
    };
  };
}

/**
 * In a folder that a running node has written, never lets a smaller backup become current if nothing
 * could open it. It lacks channels, or belongs to another node and replaced the node's file while the
 * node was down. Once the node runs, it verifies what it exports.
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
    message: `the new backup is smaller (${candidate.packed.length} bytes instead of ${base.held.sizeBytes}) and nothing could open it, so the one in the store stays current. Let lnd verify the new one (--from lnd, with lnd running), or give --key-file`,
  };
};
