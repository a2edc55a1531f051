import type { Finding, Verdict } from "../checks/finding.ts";

/** A finding, and the store that it is about; null if it is about no store. */
export type LocatedFinding = Finding & { readonly store: string | null };

/** A version that a store holds as current. */
export interface WatchedVersion {
  readonly sequence: number;
  readonly key: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** By the writer's clock, milliseconds since 1970. */
  readonly committedAt: number;
  readonly writer: string;
  /** Null if nothing opened it. */
  readonly channels: number | null;
}

/** What the node said about its channels. */
export interface NodeChannelsSeen {
  /** Open or opening, with the node's own funds in each, in satoshi; null if it doesn't say. */
  readonly open: ReadonlyMap<string, number | null>;
  /** Closed, with funds that haven't reached the wallet yet, in satoshi. */
  readonly limbo: ReadonlyMap<string, number>;
}

/**
 * What happens in a watched mirror. `store` is the store's name, which is `--to` without secrets; null stands
 * for the node, or for all stores together. Texts may come from outside.
 */
export type WatchedEvent =
  /** A store is open, and the node's folder in it was read. */
  | {
      readonly kind: "started";
      readonly node: string;
      readonly source: string;
      readonly store: string;
      /** The current sequence; 0 if there is none yet. */
      readonly sequence: number;
    }
  /** A new version is current. It isn't read back yet. */
  | {
      readonly kind: "swapped";
      readonly store: string;
      readonly latest: WatchedVersion;
      /** The channels that a restore of it brings back; null if nothing opened it. */
      readonly covers: readonly string[] | null;
      /** From the event at the node to the known commit. */
      readonly elapsedMs: number;
    }
  /** The store already holds the node's state, which was read back just now. */
  | {
      readonly kind: "unchanged";
      readonly store: string;
      readonly latest: WatchedVersion | null;
      readonly covers: readonly string[] | null;
    }
  /** What was saved was read back just now. */
  | { readonly kind: "confirmed"; readonly store: string }
  | {
      readonly kind: "refused";
      readonly store: string;
      readonly code: string;
      readonly message: string;
      /** Where the refused backup is kept, relative to the node's folder; null if it isn't. */
      readonly quarantineKey: string | null;
    }
  | {
      readonly kind: "retrying";
      readonly store: string | null;
      readonly code: string;
      readonly message: string;
    }
  | { readonly kind: "recovered"; readonly store: string | null }
  | { readonly kind: "lost"; readonly store: string; readonly message: string }
  /** The verdict or its findings have changed, for one store or for all together. */
  | {
      readonly kind: "verdict";
      readonly store: string | null;
      readonly verdict: Verdict;
      readonly findings: readonly LocatedFinding[];
    }
  /** The newest known drill: one that has just ended, or one that the store has on record. */
  | {
      readonly kind: "drilled";
      readonly store: string;
      /** Milliseconds since 1970. */
      readonly at: number;
      readonly ok: boolean;
      readonly verdict: string;
      readonly isNew: boolean;
    }
  /** The node answered a request that was sent at `askedAtMs` (monotonic). */
  | {
      readonly kind: "surveyed";
      readonly askedAtMs: number;
      /** Null if it can't tell. */
      readonly channels: NodeChannelsSeen | null;
    }
  /** A request hasn't been answered for a while. `sinceMs`: milliseconds since 1970. */
  | { readonly kind: "waiting"; readonly subject: string; readonly sinceMs: number }
  /** A request to a store ended. */
  | {
      readonly kind: "requested";
      readonly store: string;
      readonly operation: string;
      readonly outcome: string;
    }
  | { readonly kind: "stopped" };
