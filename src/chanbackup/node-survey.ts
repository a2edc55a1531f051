import type { ScbError } from "../runtime/error.ts";

/** A fact that a node tells, or why it does not: its macaroon lacks a permission, say. */
export type Told<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly error: ScbError };

/** How the peer's commitment pays this node, which is how a restore gets a channel's funds back. */
export type CommitmentKind = "legacy" | "static-remote-key" | "anchors" | "lease" | "taproot";

export interface SurveyedChannel {
  /** "txid:index". */
  readonly channelPoint: string;
  /** "restored": known from a backup only, and waiting for its peer to close it. */
  readonly state: "open" | "pending-open" | "restored" | "closing";
  /** Compressed public key, hex. */
  readonly peer: string;
  readonly capacitySat: number;
  /** What is this node's in it now. Fees of the commitment are taken off already, if they are its. */
  readonly localBalanceSat: number;
  /** In payments under way: whose it will be is open. */
  readonly inFlightSat: number;
  /** Whether this node opened it; null where that is not told. */
  readonly isInitiator: boolean | null;
  /** How long this node's own commitment would hold its funds back, in blocks. */
  readonly csvDelayBlocks: number | null;
  readonly commitment: CommitmentKind | null;
  /** Of a lease. */
  readonly leaseExpiryHeight: number | null;
  /** Of a closing channel: as `LimboChannel.maturityHeight`. */
  readonly maturityHeight: number | null;
  /** The peer's commitment has no output for less than this. */
  readonly peerDustLimitSat: number | null;
}

export interface NodePeer {
  /** As the connection has it: `host:port`. */
  readonly address: string;
  /** The peer has dialled this node: its port is one for this connection only. */
  readonly isInbound: boolean;
}

/** A running node's channels and peers at one moment. */
export interface NodeSurvey {
  readonly channels: readonly SurveyedChannel[];
  /** The channel points of those that are closed, settled or never came to be. */
  readonly closed: Told<ReadonlySet<string>>;
  /** The peers that are connected now, by public key. */
  readonly peers: Told<ReadonlyMap<string, NodePeer>>;
  /** Where each peer of a channel says that it can be reached, by public key. */
  readonly announced: Told<ReadonlyMap<string, readonly string[]>>;
}
