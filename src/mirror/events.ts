import type { EngineEvent } from "../chanbackup/engine-events.ts";

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

/** What is known of a saved state. */
export interface MirrorSwapped {
  readonly commit: Commit;
}

export interface MirrorUnchanged {
  readonly sequence: number;
}

export type MirrorEvent = EngineEvent<MirrorSwapped, MirrorUnchanged>;
export type MirrorObserver = (event: MirrorEvent) => void;
