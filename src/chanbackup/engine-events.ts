import type { ScbError } from "../runtime/error.ts";
import type { LookDepth } from "./look.ts";
import type { SnapshotReason } from "./snapshot.ts";

/**
 * The events of an engine, each reported once, for the log, the JSON lines and the metrics. They include
 * what the mode knows about a saved state.
 */
export type EngineEvent<Swapped, Unchanged> =
  /** The state is saved: the commit is known. */
  | ({
      readonly kind: "swapped";
      readonly reason: SnapshotReason;
      readonly attempts: number;
      /** The time from noticing the change to the known commit. */
      readonly elapsedMs: number;
    } & Swapped)
  /** The state was already saved, as a read-back just showed. */
  | ({ readonly kind: "unchanged"; readonly reason: SnapshotReason } & Unchanged)
  /** A guard refused the state. The next change or refresh tries again. */
  | {
      readonly kind: "refused";
      readonly reason: SnapshotReason;
      readonly error: ScbError;
      readonly code: string;
      readonly message: string;
      /** Where the candidate is kept. Null if it could not be kept, which is retried. */
      readonly quarantineKey: string | null;
    }
  | {
      readonly kind: "retrying";
      readonly error: ScbError;
      /** The number of the failed attempt, starting at 1. */
      readonly attempt: number;
      readonly retryInMs: number;
    }
  /** An attempt succeeded after one or more `retrying`. */
  | { readonly kind: "recovered"; readonly attempts: number }
  /** An idle look read back what was saved and found it. */
  | { readonly kind: "confirmed"; readonly depth: LookDepth }
  /** What was saved is gone or has changed. It is saved again immediately. */
  | { readonly kind: "lost"; readonly error: ScbError };
