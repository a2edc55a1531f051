import type { ScbError } from "../runtime/error.ts";
import type { LookDepth } from "./look.ts";
import type { SnapshotReason } from "./snapshot.ts";

/**
 * What an engine goes through, told once each, for the log, the JSON lines and the metrics. What a
 * mode knows of a saved state comes with it.
 */
export type EngineEvent<Swapped, Unchanged> =
  /** The state is saved: the commit is known. */
  | ({
      readonly kind: "swapped";
      readonly reason: SnapshotReason;
      readonly attempts: number;
      /** From the moment at which the change was noticed to the known commit. */
      readonly elapsedMs: number;
    } & Swapped)
  /** The state is saved already: it was read back just now. */
  | ({ readonly kind: "unchanged"; readonly reason: SnapshotReason } & Unchanged)
  /** A guard held the state back. Tried again with the next change or refresh. */
  | {
      readonly kind: "refused";
      readonly reason: SnapshotReason;
      readonly error: ScbError;
      readonly code: string;
      readonly message: string;
      /** Where the candidate is kept; null if it isn't, then it is tried again until it is. */
      readonly quarantineKey: string | null;
    }
  | {
      readonly kind: "retrying";
      readonly error: ScbError;
      /** The one that has failed, from 1. */
      readonly attempt: number;
      readonly retryInMs: number;
    }
  /** Done, after one or more `retrying`. */
  | { readonly kind: "recovered"; readonly attempts: number }
  /** An idle look: what was saved is there, as it was read back just now. */
  | { readonly kind: "confirmed"; readonly depth: LookDepth }
  /** What was saved isn't there any more, or isn't what was saved. It is saved anew at once. */
  | { readonly kind: "lost"; readonly error: ScbError };
