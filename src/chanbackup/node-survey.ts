import type { ScbError } from "../runtime/error.ts";

/**
 * A fact from a node, or why the node doesn't tell it, for example because its macaroon lacks a
 * permission.
 */
export type Told<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly error: ScbError };

/** How the peer's commitment pays this node, which is how a restore recovers a channel's funds. */
export type CommitmentKind = "legacy" | "static-remote-key" | "anchors" | "lease" | "taproot";

export interface SurveyedChannel {
  /** "txid:index". */
  readonly channelPoint: string;
  /** "restored": known only from a backup, and waiting for its peer to close it. */
  readonly state: "open" | "pending-open" | "restored" | "closing";
  /** Compressed public key, hex. */
  readonly peer: string;
  readonly capacitySat: number;
  /** This node's funds in the channel, after commitment fees, if this node pays those. */
  readonly localBalanceSat: number;
  /** In payments under way, which may end up with either side. */
  readonly inFlightSat: number;
  /** Whether this node opened it; null if not known. */
  readonly isInitiator: boolean | null;
  /** How long this node's own commitment would lock its funds, in blocks. */
  readonly csvDelayBlocks: number | null;
  readonly commitment: CommitmentKind | null;
  /** For leases only. */
  readonly leaseExpiryHeight: number | null;
  /** For closing channels: as `LimboChannel.maturityHeight`. */
  readonly maturityHeight: number | null;
  /** The peer's commitment has no output below this amount. */
  readonly peerDustLimitSat: number | null;
}

export interface NodePeer {
  /** The connection's address, `host:port`. */
  readonly address: string;
  /** The peer dialled this node, so its port is only for this connection. */
  readonly isInbound: boolean;
}

/** A running node's channels and peers at one moment. */
export interface NodeSurvey {
  readonly channels: readonly SurveyedChannel[];
  /** Channel points of channels that are closed and settled, or never came to be. */
  readonly closed: Told<ReadonlySet<string>>;
  /** The currently connected peers, by public key. */
  readonly peers: Told<ReadonlyMap<string, NodePeer>>;
  /** The addresses that each channel's peer announces, by public key. */
  readonly announced: Told<ReadonlyMap<string, readonly string[]>>;
}
