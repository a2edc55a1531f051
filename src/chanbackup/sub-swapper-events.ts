import type { ScbError } from "../runtime/error.ts";
import type { EngineEvent } from "./engine-events.ts";

/** What is known about a backup that was saved. */
export interface SubSwapperSwapped {
  readonly channels: number;
  readonly sizeBytes: number;
}

/** What is known about a backup that had been saved before. */
export interface SubSwapperUnchanged {
  readonly channels: number;
}

/** The events of a SubSwapper, each reported once, for the log, the JSON lines and the metrics. */
export type SubSwapperEvent =
  | EngineEvent<SubSwapperSwapped, SubSwapperUnchanged>
  /** The notifier can't be heard now. The node's changes are caught up on once it can. */
  | { readonly kind: "notifier-lost"; readonly error: ScbError; readonly retryInMs: number }
  | { readonly kind: "notifier-recovered" }
  /**
   * Channels that were reported closed, but that this program never had: only the saved backup holds
   * them, and it keeps them until `confirmClosed`.
   */
  | { readonly kind: "close-held-back"; readonly channelPoints: readonly string[] }
  /** No backup can hold what was reported about this channel. The rest of the event is saved. */
  | {
      readonly kind: "channel-skipped";
      /** Null if not even that is known. */
      readonly channelPoint: string | null;
      readonly error: ScbError;
    }
  /** Continuing would be useless or wrong, so it has stopped. */
  | { readonly kind: "failed"; readonly error: ScbError };

/** Receives each event synchronously. Its exceptions never end or delay a swap. */
export type SubSwapperObserver = (event: SubSwapperEvent) => void;
