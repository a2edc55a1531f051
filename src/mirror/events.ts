import type { EngineEvent } from "../chanbackup/engine-events.ts";
import type { HeldVersion } from "../repository/base.ts";

/** A known commit: the pointer names this version. */
export interface Commit {
  readonly sequence: number;
  /** Relative to the node's folder. */
  readonly key: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Null if it can't be known. */
  readonly channels: number | null;
  readonly operation: string;
}

/** What is known of a saved state. */
export interface MirrorSwapped {
  readonly commit: Commit;
  /**
   * The channels that a restore brings back, including those in older versions; null if nothing opened
   * the backup.
   */
  readonly covers: readonly string[] | null;
}

export interface MirrorUnchanged {
  readonly sequence: number;
  readonly covers: readonly string[] | null;
  /** The current version; null if there is none. */
  readonly held: HeldVersion | null;
  /** Who committed it; null if not recorded. */
  readonly writer: string | null;
}

export type MirrorEvent = EngineEvent<MirrorSwapped, MirrorUnchanged>;
export type MirrorObserver = (event: MirrorEvent) => void;
