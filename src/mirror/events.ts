import type { SnapshotReason } from "../chanbackup/snapshot.ts";
import type { ScbError } from "../runtime/error.ts";

/** A commit that is known: the pointer names this version. */
export interface Commit {
  readonly sequence: number;
  /** Relative to the node's folder. */
  readonly key: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Null where it cannot be known. */
  readonly channels: number | null;
  readonly operation: string;
}

/** What a mirror goes through, told once each, for the log, the JSON lines and the metrics. */
export type MirrorEvent =
  | {
      readonly kind: "swapped";
      readonly commit: Commit;
      readonly reason: SnapshotReason;
      /** From the moment at which the change was noticed to the known commit. */
      readonly elapsedMs: number;
      readonly attempts: number;
    }
  | { readonly kind: "unchanged"; readonly reason: SnapshotReason; readonly sequence: number }
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly message: string;
      /** Where the candidate is kept; null where it could not be saved. */
      readonly quarantineKey: string | null;
    }
  | {
      readonly kind: "retrying";
      readonly error: ScbError;
      readonly attempt: number;
      readonly retryInMs: number;
    }
  | { readonly kind: "recovered"; readonly attempts: number };

export type MirrorObserver = (event: MirrorEvent) => void;
