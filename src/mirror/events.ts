import type { EngineEvent } from "../chanbackup/engine-events.ts";
import type { HeldVersion } from "../repository/base.ts";

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
  /** The channels that a restore of it brings back, older versions included; null if nobody opened it. */
  readonly covers: readonly string[] | null;
}

export interface MirrorUnchanged {
  readonly sequence: number;
  readonly covers: readonly string[] | null;
  /** What is current; null for nothing. */
  readonly held: HeldVersion | null;
  /** Who committed it; null if nothing says so. */
  readonly writer: string | null;
}

export type MirrorEvent = EngineEvent<MirrorSwapped, MirrorUnchanged>;
export type MirrorObserver = (event: MirrorEvent) => void;
