import type { NodeIdentity } from "../chanbackup/snapshot.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import type { Base } from "../repository/base.ts";
import { versionKey } from "../repository/layout.ts";
import { alsoRestoreFields, type Pointer, recentOperationsKept } from "../repository/pointer.ts";
import { type VersionMetadata, writeVersionMetadata } from "../repository/version-metadata.ts";
import type { Candidate } from "./candidate.ts";
import type { Commit } from "./events.ts";

/**
 * One candidate on its way into the store, against one base. It may be advanced again after any failure:
 * it continues where it stopped, and commits at most once.
 */
export interface SwapOperation {
  /** A ULID, unique to this operation. */
  readonly id: string;
  readonly base: Base;
  readonly candidate: Candidate;
  readonly sequence: number;
  readonly key: string;
  /** The older versions that a restore will also need. */
  readonly alsoRestore: readonly AlsoRestore[];
  /** The version is known to be in the store, whole. */
  versionStored: boolean;
  /** The pointer was sent at least once, so it may have landed. */
  pointerSent: boolean;
}

export function newSwapOperation(
  id: string,
  base: Base,
  candidate: Candidate,
  alsoRestore: readonly AlsoRestore[] = base.held?.alsoRestore ?? [],
): SwapOperation {
  const sequence = (base.held?.sequence ?? 0) + 1;
  return {
    id,
    base,
    candidate,
    sequence,
    key: versionKey(sequence, id),
    alsoRestore,
    versionStored: false,
    pointerSent: false,
  };
}

/** The version's own metadata. */
export function operationMetadata(operation: SwapOperation): Record<string, string> {
  return writeVersionMetadata(metadataFor(operation));
}

/** The same for a folder without a pointer, where only the metadata can hold these facts. */
export function newestMetadata(operation: SwapOperation): Record<string, string> {
  const { channelPointsSha256, bareChannels } = operation.candidate;
  const facts = { singleWriter: true, channelPointsSha256, bareChannels };
  return writeVersionMetadata({ ...metadataFor(operation), ...facts });
}

function metadataFor({ base, candidate, ...operation }: SwapOperation): VersionMetadata {
  return {
    operation: operation.id,
    sequence: operation.sequence,
    sha256: candidate.sha256,
    previous: previousOf(base),
    singleWriter: false,
    channelPointsSha256: null,
    bareChannels: null,
    alsoRestore: operation.alsoRestore,
  };
}

/** The pointer that makes `operation` current. `committedAtMs` is the writer's clock. */
export function operationPointer(
  operation: SwapOperation,
  writer: string,
  node: NodeIdentity,
  committedAtMs: number,
): Pointer {
  const { base, candidate } = operation;
  const known = base.kind === "pointer" ? base.pointer.recentOperations : [];
  const held = base.kind === "pointer" ? base.pointer.node : null;
  return {
    ...alsoRestoreFields(operation.alsoRestore),
    sequence: operation.sequence,
    version: { key: operation.key, size: candidate.packed.length, sha256: candidate.sha256 },
    previous: previousOf(base),
    committedAt: new Date(committedAtMs).toISOString(),
    writer,
    operation: operation.id,
    recentOperations: [...known, operation.id].slice(-recentOperationsKept),
    // A file doesn't say which node it belongs to, but the folder stays the node's.
    node: {
      pubkey: node.pubkey ?? held?.pubkey ?? null,
      network: node.network ?? held?.network ?? null,
    },
    verifiedBy: candidate.verifiedBy,
    channels: candidate.channels,
    channelPointsSha256: candidate.channelPointsSha256,
    bareChannels: candidate.bareChannels,
  };
}

export function operationCommit(operation: SwapOperation): Commit {
  return {
    sequence: operation.sequence,
    key: operation.key,
    sha256: operation.candidate.sha256,
    sizeBytes: operation.candidate.packed.length,
    channels: operation.candidate.channels,
    operation: operation.id,
  };
}

function previousOf(base: Base): Pointer["previous"] {
  return base.held === null ? null : { key: base.held.key, sha256: base.held.sha256 };
}
