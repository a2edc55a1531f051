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
  /** Null if nobody opened it. */
  readonly channels: number | null;
}

/** What the node said of its channels. */
export interface NodeChannelsSeen {
  /** Open, or about to be, with what is the node's own in each, in satoshi; null if it doesn't tell. */
  readonly open: ReadonlyMap<string, number | null>;
  /** Closed, with funds that aren't home yet, in satoshi. */
  readonly limbo: ReadonlyMap<string, number>;
}

/**
 * What a watched mirror goes through. A `store` is its name, as `--to` has it without secrets; null
 * stands for the node, or for all stores together. Texts may come from outside.
 */
export type WatchedEvent =
  /** A store is open, and the node's folder in it was read. */
  | {
      readonly kind: "started";
      readonly node: string;
      readonly source: string;
      readonly store: string;
      /** What it holds as current; 0 for nothing yet. */
      readonly sequence: number;
    }
  /** A new version is current. It isn't read back yet. */
  | {
      readonly kind: "swapped";
      readonly store: string;
      readonly latest: WatchedVersion;
      /** The channels that a restore of it brings back; null if nobody opened it. */
      readonly covers: readonly string[] | null;
      /** From the event at the node to the known commit. */
      readonly elapsedMs: number;
    }
  /** The store holds the node's state already: it was read back just now. */
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
      /** Where the candidate is kept, relative to the node's folder; null if it isn't. */
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
  /** What the verdict is now, or what it rests on now: of one store, or of all together. */
  | {
      readonly kind: "verdict";
      readonly store: string | null;
      readonly verdict: Verdict;
      readonly findings: readonly LocatedFinding[];
    }
  /** The newest drill that is known: one that was just made, or one that the store remembers. */
  | {
      readonly kind: "drilled";
      readonly store: string;
      /** Milliseconds since 1970. */
      readonly at: number;
      readonly ok: boolean;
      readonly verdict: string;
      readonly isNew: boolean;
    }
  /** The node answered a question that was asked at `askedAtMs` (monotonic). */
  | {
      readonly kind: "surveyed";
      readonly askedAtMs: number;
      /** Null if it can't tell. */
      readonly channels: NodeChannelsSeen | null;
    }
  /** Something was asked, and hasn't been answered for a while. Milliseconds since 1970. */
  | { readonly kind: "waiting"; readonly subject: string; readonly sinceMs: number }
  /** A request to a store came to its end. */
  | {
      readonly kind: "requested";
      readonly store: string;
      readonly operation: string;
      readonly outcome: string;
    }
  | { readonly kind: "stopped" };
