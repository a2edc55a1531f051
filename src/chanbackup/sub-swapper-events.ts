import type { ScbError } from "../runtime/error.ts";
import type { EngineEvent } from "./engine-events.ts";

/** What is known of a backup that was saved. */
export interface SubSwapperSwapped {
  readonly channels: number;
  readonly sizeBytes: number;
}

/** What is known of a backup that was saved before. */
export interface SubSwapperUnchanged {
  readonly channels: number;
}

/** What a SubSwapper goes through, told once each, for the log, the JSON lines and the metrics. */
export type SubSwapperEvent =
  | EngineEvent<SubSwapperSwapped, SubSwapperUnchanged>
  /** The notifier is not heard now. The node's changes are made up for once it is heard again. */
  | { readonly kind: "notifier-lost"; readonly error: ScbError; readonly retryInMs: number }
  | { readonly kind: "notifier-recovered" }
  /**
   * Reported closed, but this program never had them: only the saved backup did, and it keeps them
   * until `confirmClosed`.
   */
  | { readonly kind: "close-held-back"; readonly channelPoints: readonly string[] }
  /** No backup can hold what was reported of this channel. All else of the event is saved. */
  | {
      readonly kind: "channel-skipped";
      /** Null if not even that can be told. */
      readonly channelPoint: string | null;
      readonly error: ScbError;
    }
  /** Going on would be useless or wrong. It has stopped. */
  | { readonly kind: "failed"; readonly error: ScbError };

/** Hears each event at once. What it throws is dropped: it never ends or delays a swap. */
export type SubSwapperObserver = (event: SubSwapperEvent) => void;
