import { findingOf, type Verdict } from "../checks/finding.ts";
import type { Cover } from "./cover.ts";
import type { LocatedFinding, NodeChannelsSeen, WatchedVersion } from "./events.ts";
import type { Moment } from "./moment.ts";

/** The last known verdict. */
export interface WatchedVerdict {
  readonly verdict: Verdict;
  /** When it became this one; its findings may have changed since. */
  readonly since: Moment;
  readonly findings: readonly LocatedFinding[];
}

/** What keeps the node or a store from answering. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly since: Moment;
}

export interface WatchedDrill {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ok: boolean;
  readonly verdict: string;
}

/** A backup that a guard refused since the last swap. */
export interface WatchedRefusal {
  readonly at: Moment;
  readonly code: string;
  readonly message: string;
  readonly quarantineKey: string | null;
}

export const swapResults = ["swapped", "unchanged", "refused", "lost", "failed"] as const;
export type SwapResult = (typeof swapResults)[number];

/** What is known about one store. */
export interface WatchedStore {
  /** Its name. */
  readonly store: string;
  readonly verdict: WatchedVerdict;
  /** The current version's; 0 for none. */
  readonly sequence: number;
  /** Null until this mirror has saved a version, or found that the store holds the node's state. */
  readonly latest: WatchedVersion | null;
  /** When it was last read back and held the node's last known state; null for never. */
  readonly provedAt: Moment | null;
  /** The channels that a restore brings back; null if nothing opened the current version. */
  readonly covers: readonly string[] | null;
  /** When `covers` was learned. */
  readonly heldSince: Moment | null;
  /** Null until the node was asked. */
  readonly cover: Cover | null;
  readonly trouble: Trouble | null;
  readonly refusals: readonly WatchedRefusal[];
  /** The newest known drill; null if none is known. */
  readonly drill: WatchedDrill | null;
  readonly swaps: Readonly<Record<SwapResult, number>>;
  /** By operation and outcome, joined by a space. */
  readonly requests: ReadonlyMap<string, number>;
}

/** Something that happened, for the timeline. */
export type TimelineEntry = {
  readonly at: Moment;
  readonly store: string | null;
} & (
  | {
      readonly kind: "swapped";
      readonly sequence: number;
      readonly channels: number | null;
      readonly elapsedMs: number;
    }
  | { readonly kind: "verdict"; readonly verdict: Verdict; readonly codes: readonly string[] }
  | { readonly kind: "refused" | "lost"; readonly message: string }
  | { readonly kind: "drilled"; readonly ok: boolean; readonly verdict: string }
  | { readonly kind: "started" | "stopped" }
);

/**
 * Everything that is known about a watched mirror from its events. It is immutable and bounded, and draws no
 * conclusions: every view is a pure function of this and the time.
 */
export interface Watched {
  /** The program's own version. */
  readonly version: string;
  readonly startedAt: Moment;
  /** The name of the node's folder; null until it is known. */
  readonly node: string | null;
  /** Where the node's state comes from, for people; null until it is known. */
  readonly source: string | null;
  /** Of all stores together. */
  readonly verdict: WatchedVerdict;
  readonly stores: ReadonlyMap<string, WatchedStore>;
  /** Null while the node answers. */
  readonly nodeTrouble: Trouble | null;
  /** Whether the node was ever heard from. */
  readonly wasNodeHeard: boolean;
  /** What the node last said about its channels, and when; null until it was asked. */
  readonly channels: { readonly at: Moment; readonly seen: NodeChannelsSeen } | null;
  /** What the mirror is waiting for; null for nothing. Milliseconds since 1970. */
  readonly waiting: { readonly subject: string; readonly sinceMs: number } | null;
  /** The latest entries, oldest first. */
  readonly timeline: readonly TimelineEntry[];
  readonly isStopped: boolean;
}

/** A mirror that has just started: it hasn't looked at anything, so nothing is known. */
export function newWatched(version: string, at: Moment): Watched {
  return {
    version,
    startedAt: at,
    node: null,
    source: null,
    verdict: unprovedVerdict(null, at),
    stores: new Map(),
    nodeTrouble: null,
    wasNodeHeard: false,
    channels: null,
    waiting: null,
    timeline: [],
    isStopped: false,
  };
}

export function newWatchedStore(store: string, sequence: number, at: Moment): WatchedStore {
  return {
    store,
    verdict: unprovedVerdict(store, at),
    sequence,
    latest: null,
    provedAt: null,
    covers: null,
    heldSince: null,
    cover: null,
    trouble: null,
    refusals: [],
    drill: null,
    swaps: { swapped: 0, unchanged: 0, refused: 0, lost: 0, failed: 0 },
    requests: new Map(),
  };
}

function unprovedVerdict(store: string | null, since: Moment): WatchedVerdict {
  const message = "the mirror has just started and hasn't read the store back yet";
  const remedy =
    "give it a moment; if this doesn't change, run scb-mirror doctor to find out why the store or node doesn't answer";
  const finding = findingOf("unproved", store ?? "the store", message, { remedy });
  return { verdict: "unknown", since, findings: [{ ...finding, store }] };
}
