import type { Network } from "../keychain/network.ts";
import type { ScbError } from "../runtime/error.ts";
import type { NodeSurvey } from "./node-survey.ts";
import type { PackedMulti } from "./packed-multi.ts";

/** Why a snapshot is taken. Only "channel-event" says that the node's channels have changed. */
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
 * Combines two reasons for one snapshot: a reason that reports a change outranks one that only makes
 * sure. Of equals, the first stays.
 */
export function weightierReason(held: SnapshotReason | null, next: SnapshotReason): SnapshotReason {
  return held === null || rankOf[next] > rankOf[held] ? next : held;
}

/** Whether the reason says that something isn't saved yet. */
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
 * A channel that is closing or closed and that the node doesn't call fully resolved: only a backup that
 * holds it can recover its funds.
 */
export interface LimboChannel {
  /** "txid:index". */
  readonly channelPoint: string;
  /** What it still has to pay, in satoshi, by the node's estimate. */
  readonly limboSat: number;
  /** The height at which this node's own time lock ends; null if there is none or it isn't known yet. */
  readonly maturityHeight: number | null;
}

/** The node's backup at one moment, as the node packed it. */
export interface Snapshot {
  readonly packed: PackedMulti;
  /** "txid:index", sorted by txid as printed, then by index as a number; null if not known. */
  readonly channelPoints: readonly string[] | null;
  /** Which of them are bare (see `BackupContents`); null if not known. */
  readonly bareChannelPoints: readonly string[] | null;
  /**
   * Sorted by channel point; null if the source can't tell. A channel that left the backup stays here
   * until the node calls it fully resolved.
   */
  readonly limbo: readonly LimboChannel[] | null;
  /**
   * Milliseconds since 1970. The state is no older than this. For a file that nothing vouches for, this
   * is when it was written, however often it is read.
   */
  readonly takenAt: number;
  readonly reason: SnapshotReason;
  /** What decrypted and parsed it: the node, or we with a key; null for nothing. */
  readonly verifiedBy: "lnd" | "key" | null;
}

export interface NodeIdentity {
  /** Compressed public key in hex; null if the source can't tell (a file). */
  readonly pubkey: string | null;
  readonly network: Network | null;
}

/** What only a running node can say about a backup, without any key leaving it. */
export interface NodeWitness {
  /** The channels that are open or about to be, sorted: a backup has to hold these. */
  openChannelPoints(signal?: AbortSignal): Promise<readonly string[]>;
  /** The channels in a backup, sorted. Throws "decrypt" for another node's backup. */
  channelPointsOf(packed: PackedMulti, signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * The channels that the node knows to be closed, or whose close is on its way, sorted: a newer backup
   * may lack these. Never a channel that was only restored and waits for its peer, nor one that was
   * abandoned, because nothing has seen those close.
   */
  closedChannelPoints(signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * The channels whose funds are on their way back to the node, sorted: a restore still has to recover
   * these.
   */
  limboChannels(signal?: AbortSignal): Promise<readonly LimboChannel[]>;
  /**
   * As `openChannelPoints`, with the node's own funds in each channel, in satoshi. Absent if the node
   * doesn't tell.
   */
  openBalances?(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /**
   * The channels that the node knows only from a backup, and whose peers have yet to close them, sorted.
   * Absent if the node can't tell them apart.
   */
  restoredChannelPoints?(signal?: AbortSignal): Promise<readonly string[]>;
  /** The node's channels and peers, with details. Absent if the node can't tell that much. */
  survey?(signal?: AbortSignal): Promise<NodeSurvey>;
}

/** A node that provides snapshots and says when a new one is due. It knows nothing about stores. */
export interface SnapshotSource {
  /** For people: `lnd at localhost:10009`, `file /path`. Holds no secret. */
  readonly description: string;
  /** Null if there is no running node to ask. */
  readonly witness: NodeWitness | null;
  /** Reaches the node and asks for its identity. Throws `node-*` codes, or "io" for a file. */
  identify(signal?: AbortSignal): Promise<NodeIdentity>;
  /** The node's current state: taken after the call was made, never from a cache. */
  snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot>;
  /**
   * Yields each time a new snapshot is due, indefinitely. A lost connection is reported to the observer,
   * restored with backoff, and followed by a "reconnected". Ends only when `signal` aborts. Changes that
   * arrive while the consumer is busy are folded into one.
   */
  changes(signal: AbortSignal): AsyncIterable<SnapshotReason>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Receives what happens to a running source. Passed to it at construction. */
export interface SourceObserver {
  /** The source can't hear its node now; it retries after `retryInMs`. */
  trouble(error: ScbError, retryInMs: number): void;
  /** The source hears the node again. Called once after one or more `trouble`. */
  recovered(): void;
}
