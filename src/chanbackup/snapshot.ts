import type { Network } from "../keychain/network.ts";
import type { ScbError } from "../runtime/error.ts";
import type { NodeSurvey } from "./node-survey.ts";
import type { PackedMulti } from "./packed-multi.ts";

/** Why a snapshot was asked for. Only "channel-event" says that the node's channels have changed. */
export type SnapshotReason =
  | "start"
  | "channel-event"
  | "file-changed"
  | "reconnected"
  | "follow-up"
  | "refresh"
  /** Another writer moved the pointer first. */
  | "superseded"
  /** The store no longer holds what was saved. */
  | "lost"
  /** Pack mode: the program asked for it. */
  | "manual-update";

/**
 * Folds two reasons for one snapshot into one: what says that something has changed outranks what only
 * makes sure. Of equals the first stays.
 */
export function weightierReason(held: SnapshotReason | null, next: SnapshotReason): SnapshotReason {
  return held === null || rankOf[next] > rankOf[held] ? next : held;
}

/** Whether it says that something isn't saved yet. */
export function isNews(reason: SnapshotReason): boolean {
  return rankOf[reason] > 0;
}

const rankOf: Readonly<Record<SnapshotReason, number>> = {
  "channel-event": 2,
  "manual-update": 2,
  "file-changed": 1,
  superseded: 1,
  lost: 1,
  start: 0,
  reconnected: 0,
  "follow-up": 0,
  refresh: 0,
};

/**
 * A channel that is closing or closed, and that the node doesn't call fully resolved: only a backup
 * that holds it brings its funds back.
 */
export interface LimboChannel {
  /** "txid:index". */
  readonly channelPoint: string;
  /** What is still to come of it, in satoshi, as the node reckons. */
  readonly limboSat: number;
  /** The height at which this node's own time lock ends; null if there is none, or it isn't known yet. */
  readonly maturityHeight: number | null;
}

/** The node's backup at one moment, as the node packed it. */
export interface Snapshot {
  readonly packed: PackedMulti;
  /** "txid:index", sorted by txid as printed, then by index as a number; null where unknown. */
  readonly channelPoints: readonly string[] | null;
  /** Which of them are bare (see `BackupContents`); null where unknown. */
  readonly bareChannelPoints: readonly string[] | null;
  /**
   * Sorted by channel point; null if the source can't tell. A channel that left the backup is in it
   * until the node calls the channel fully resolved.
   */
  readonly limbo: readonly LimboChannel[] | null;
  /**
   * Milliseconds since 1970. The state is not older than this: for a file that nobody vouches for, the
   * time at which it was written, however often it is read.
   */
  readonly takenAt: number;
  readonly reason: SnapshotReason;
  /** Who has decrypted and parsed it: the node, or we with a key; null for nobody. */
  readonly verifiedBy: "lnd" | "key" | null;
}

export interface NodeIdentity {
  /** Compressed public key in hex, or null where the source cannot tell (a file). */
  readonly pubkey: string | null;
  readonly network: Network | null;
}

/** What only a running node can say of a backup, without any key leaving it. */
export interface NodeWitness {
  /** The channels that are open or about to be, sorted: what a backup has to hold. */
  openChannelPoints(signal?: AbortSignal): Promise<readonly string[]>;
  /** The channels in a backup, sorted. Throws "decrypt" for one of another node. */
  channelPointsOf(packed: PackedMulti, signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * The channels that it knows to be closed, or whose close is on its way, sorted: what a newer backup
   * may lack. Never one that was only restored and waits for its peer, nor one that was abandoned:
   * nobody has seen those close.
   */
  closedChannelPoints(signal?: AbortSignal): Promise<readonly string[]>;
  /** The channels whose funds are on their way back to it, sorted: what a restore still has to bring. */
  limboChannels(signal?: AbortSignal): Promise<readonly LimboChannel[]>;
  /**
   * As `openChannelPoints`, with what is the node's own in each channel, in satoshi. Absent if the node
   * doesn't tell.
   */
  openBalances?(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /**
   * The channels that it knows from a backup only, and whose peers have yet to close them, sorted. Absent
   * if the node can't tell them apart.
   */
  restoredChannelPoints?(signal?: AbortSignal): Promise<readonly string[]>;
  /** Its channels and peers, with what is in them. Absent where the node cannot tell that much. */
  survey?(signal?: AbortSignal): Promise<NodeSurvey>;
}

/** A node that hands out snapshots and says when a new one is due. It knows nothing of stores. */
export interface SnapshotSource {
  /** For people: `lnd at localhost:10009`, `file /path`. Holds no secret. */
  readonly description: string;
  /** Null where there is no running node to ask. */
  readonly witness: NodeWitness | null;
  /** Reaches the node and asks who it is. Throws `node-*` codes, or `io` for a file. */
  identify(signal?: AbortSignal): Promise<NodeIdentity>;
  /** The node's state now: taken after the call was made, never from a cache. */
  snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot>;
  /**
   * Yields each time a new snapshot is due, for ever: a lost connection is reported to the
   * observer, made anew with backoff, and followed by a "reconnected". Ends only when `signal`
   * aborts. Changes that come while the consumer is busy are folded into one.
   */
  changes(signal: AbortSignal): AsyncIterable<SnapshotReason>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Hears what a source goes through while it runs. Given to it when it is made. */
export interface SourceObserver {
  /** The source does not hear its node now; it tries again after `retryInMs`. */
  trouble(error: ScbError, retryInMs: number): void;
  /** It hears the node again. Called once after one or more `trouble`. */
  recovered(): void;
}
