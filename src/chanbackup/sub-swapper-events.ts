import type { ErrorCode, ScbError } from "../runtime/error.ts";

/** Why a swap was due. Of several reasons the newest. */
export type SwapReason = "start" | "channel-event" | "manual-update" | "refresh";

/** What a SubSwapper goes through, told once each, for the log, the JSON lines and the metrics. */
export type SubSwapperEvent =
  /** The backup is saved: the commit is known. */
  | {
      readonly kind: "swapped";
      readonly reason: SwapReason;
      readonly channels: number;
      readonly sizeBytes: number;
      readonly attempts: number;
      /** From the start of the first attempt to the known commit. */
      readonly elapsedMs: number;
    }
  /** What is saved is what would have been saved. */
  | { readonly kind: "unchanged"; readonly reason: SwapReason; readonly channels: number }
  /** A guard held the backup back. Tried again when a channel changes, not before. */
  | { readonly kind: "refused"; readonly reason: SwapReason; readonly error: ScbError }
  | {
      readonly kind: "retrying";
      readonly error: ScbError;
      /** The one that has failed, from 1. */
      readonly attempt: number;
      readonly retryInMs: number;
    }
  /** Saved, or found unchanged, after one or more `retrying`. */
  | { readonly kind: "recovered"; readonly attempts: number }
  /** The notifier is not heard now. The node's changes are made up for once it is heard again. */
  | { readonly kind: "notifier-lost"; readonly error: ScbError; readonly retryInMs: number }
  | { readonly kind: "notifier-recovered" }
  /** Going on would be useless or wrong. It has stopped. */
  | { readonly kind: "failed"; readonly error: ScbError };

export type SubSwapperObserver = (event: SubSwapperEvent) => void;

/** Errors that no repetition mends: somebody must look. All others are tried again, for ever. */
export const fatalSwapCodes: readonly ErrorCode[] = [
  "store-denied",
  "store-no-bucket",
  "store-rejected",
  "store-too-large",
  "store-lies",
  "pointer-lost",
  "pointer-damaged",
  "version-damaged",
  "wrong-node",
  "decrypt",
  "decode",
  "encode",
  "key",
  "usage",
];
