import type { KeyLocator } from "../keychain/key-locator.ts";
import type { MsgTx } from "../wire/msg-tx.ts";
import type { NetAddress } from "../wire/net-address.ts";
import type { OutPoint } from "../wire/out-point.ts";
import type { ShortChannelID } from "../wire/short-channel-id.ts";

/** The commitment type of a channel (lnd `chanbackup.SingleBackupVersion`). */
export const singleVersions = {
  default: 0,
  tweaklessCommit: 1,
  anchorsCommit: 2,
  anchorsZeroFeeHtlcTxCommit: 3,
  scriptEnforcedLease: 4,
  simpleTaproot: 5,
  tapscriptRoot: 6,
  simpleTaprootFinal: 7,
} as const;

/** One of `singleVersions`. */
export type SingleVersion = (typeof singleVersions)[keyof typeof singleVersions];

/** Our side of a channel: keys that the node's seed derives again. */
export interface LocalChannelConfig {
  /** Blocks. */
  readonly csvDelay: number;
  readonly multiSigKey: KeyLocator;
  readonly revocationBasePoint: KeyLocator;
  readonly paymentBasePoint: KeyLocator;
  readonly delayBasePoint: KeyLocator;
  readonly htlcBasePoint: KeyLocator;
}

/** The peer's side of a channel. Each key is a compressed public key, 33 bytes. */
export interface RemoteChannelConfig {
  /** Blocks. */
  readonly csvDelay: number;
  readonly multiSigKey: Uint8Array;
  readonly revocationBasePoint: Uint8Array;
  readonly paymentBasePoint: Uint8Array;
  readonly delayBasePoint: Uint8Array;
  readonly htlcBasePoint: Uint8Array;
}

/** How to derive the root of the channel's revocation secrets again. */
export interface ShaChainRootDesc {
  /** Only for old channels whose root no locator names; otherwise null. Not secret. */
  readonly pubKey: Uint8Array | null;
  readonly family: number;
  readonly index: number;
}

/**
 * What a manual force close needs. It is valid only until the next payment: broadcasting an old one lets
 * the peer take all the funds of the channel (lnd `chanbackup.CloseTxInputs`).
 */
export interface CloseTxInputs {
  /** Our latest commitment, without our signature. */
  readonly commitTx: MsgTx;
  /** The peer's signature for it. */
  readonly commitSig: Uint8Array;
  /** Taproot versions (5, 6, 7), and only those. */
  readonly commitHeight?: bigint;
  /** 32 bytes. Version 6, and only that. */
  readonly tapscriptRoot?: Uint8Array;
}

/**
 * A static channel backup: with the node's seed, enough to ask the peer to close this channel and to find
 * what the close pays us. Source: lnd `chanbackup.Single`.
 */
export interface Single {
  readonly version: SingleVersion;
  /** Whether this node opened the channel. */
  readonly isInitiator: boolean;
  /** The genesis block's hash, 32 bytes in internal order. */
  readonly chainHash: Uint8Array;
  /** Identifies the channel. The index is below 2^16 here. */
  readonly fundingOutpoint: OutPoint;
  readonly shortChannelId: ShortChannelID;
  /** Compressed public key of the peer, 33 bytes. */
  readonly remoteNodePub: Uint8Array;
  /** Where the peer was last known. Their order means nothing: lnd's changes each time. */
  readonly addresses: readonly NetAddress[];
  /** Satoshi, at most 2^53. */
  readonly capacitySat: number;
  readonly localChanCfg: LocalChannelConfig;
  readonly remoteChanCfg: RemoteChannelConfig;
  readonly shaChainRootDesc: ShaChainRootDesc;
  /** Block height. Version 4, and only that. */
  readonly leaseExpiry?: number | undefined;
  /** Absent if the node had no commitment to give, as after a restore. */
  readonly closeTxInputs?: CloseTxInputs | undefined;
}
