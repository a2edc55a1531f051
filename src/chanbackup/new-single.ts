import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { KeyLocator } from "../keychain/key-locator.ts";
import { ScbError } from "../runtime/error.ts";
import type { MsgTx } from "../wire/msg-tx.ts";
import type { NetAddress } from "../wire/net-address.ts";
import { formatOutPoint, type OutPoint } from "../wire/out-point.ts";
import type { ShortChannelID } from "../wire/short-channel-id.ts";
import {
  type CloseTxInputs,
  type LocalChannelConfig,
  type RemoteChannelConfig,
  type ShaChainRootDesc,
  type Single,
  type SingleVersion,
  singleVersions,
} from "./single.ts";

/** The bits of a channel's type that determine its backup (lnd `channeldb.ChannelType`). */
export const channelTypeBits = {
  singleFunderTweakless: 1 << 1,
  anchorOutputs: 1 << 3,
  zeroHtlcTxFee: 1 << 5,
  leaseExpiration: 1 << 6,
  zeroConf: 1 << 7,
  simpleTaproot: 1 << 10,
  tapscriptRoot: 1 << 11,
  taprootFinal: 1 << 12,
} as const;

/** lnd `keychain.KeyFamilyRevocationRoot`. */
const revocationRootFamily = 5;

/**
 * A channel and its peer's addresses: the fields of lnd's `channeldb.OpenChannel` that a backup is made
 * of (lnd `chanbackup.ChannelWithAddrs`).
 */
export interface ChannelWithAddrs {
  /** A sum of `channelTypeBits`; other bits are ignored. */
  readonly chanType: number;
  readonly isInitiator: boolean;
  /** 32 bytes in internal order. */
  readonly chainHash: Uint8Array;
  readonly fundingOutpoint: OutPoint;
  /** All zero until the funding is confirmed; the alias of a zero-conf channel. */
  readonly shortChannelId: ShortChannelID;
  /** Where a zero-conf channel was confirmed; null before that, and for all other channels. */
  readonly confirmedScid: ShortChannelID | null;
  /** Block height at which the funding transaction was sent. */
  readonly fundingBroadcastHeight: number;
  /** Compressed public key of the peer, 33 bytes. */
  readonly identityPub: Uint8Array;
  readonly capacitySat: number;
  readonly localChanCfg: LocalChannelConfig;
  readonly remoteChanCfg: RemoteChannelConfig;
  /** Block height at which a lease ends. */
  readonly thawHeight: number;
  /** Locates the root of the revocation secrets, if its family is 5. */
  readonly revocationKeyLocator: KeyLocator;
  /**
   * SECRET. The 32-byte root itself, for old channels whose locator doesn't locate it; otherwise null.
   */
  readonly revocationProducer: Uint8Array | null;
  /** Our latest commitment. Its transaction is null if the node has lost it. */
  readonly localCommitment: {
    readonly commitTx: MsgTx | null;
    readonly commitSig: Uint8Array;
    readonly commitHeight: bigint;
  };
  /** 32 bytes, for channels with a tapscript root; otherwise null. */
  readonly tapscriptRoot: Uint8Array | null;
  readonly addrs: readonly NetAddress[];
}

/**
 * The backup of a channel in its current state. Holds no secret, even if `channel` does. Moves an opaque
 * address to the end of the list, where it can't swallow another. Throws "key" if an old channel has no
 * usable revocation root. Source: lnd `chanbackup.NewSingle`.
 */
export function newSingle(channel: ChannelWithAddrs): Single {
  const version = versionOf(channel);
  const closeTxInputs = closeTxInputsOf(channel, version);
  return {
    version,
    isInitiator: channel.isInitiator,
    chainHash: channel.chainHash,
    fundingOutpoint: channel.fundingOutpoint,
    shortChannelId: heightHintOf(channel),
    remoteNodePub: channel.identityPub,
    addresses: [
      ...channel.addrs.filter(({ kind }) => kind !== "opaque"),
      ...channel.addrs.filter(({ kind }) => kind === "opaque"),
    ],
    capacitySat: channel.capacitySat,
    localChanCfg: channel.localChanCfg,
    remoteChanCfg: channel.remoteChanCfg,
    shaChainRootDesc: shaChainRootOf(channel),
    ...(version === singleVersions.scriptEnforcedLease ? { leaseExpiry: channel.thawHeight } : {}),
    ...(closeTxInputs === null ? {} : { closeTxInputs }),
  };
}

function hasType(channel: ChannelWithAddrs, bit: keyof typeof channelTypeBits): boolean {
  return (channel.chanType & channelTypeBits[bit]) !== 0;
}

function versionOf(channel: ChannelWithAddrs): SingleVersion {
  if (hasType(channel, "taprootFinal")) return singleVersions.simpleTaprootFinal;
  if (hasType(channel, "simpleTaproot")) {
    return hasType(channel, "tapscriptRoot")
      ? singleVersions.tapscriptRoot
      : singleVersions.simpleTaproot;
  }
  if (hasType(channel, "leaseExpiration")) return singleVersions.scriptEnforcedLease;
  if (hasType(channel, "zeroHtlcTxFee")) return singleVersions.anchorsZeroFeeHtlcTxCommit;
  if (hasType(channel, "anchorOutputs")) return singleVersions.anchorsCommit;
  if (hasType(channel, "singleFunderTweakless")) return singleVersions.tweaklessCommit;
  return singleVersions.default;
}

/** A restoring node searches for the funding from this height on, so it must never be zero. */
function heightHintOf(channel: ChannelWithAddrs): ShortChannelID {
  const { shortChannelId, confirmedScid, fundingBroadcastHeight } = channel;
  if (hasType(channel, "zeroConf")) {
    // An alias doesn't name a block.
    const isConfirmed =
      confirmedScid !== null &&
      (confirmedScid.blockHeight !== 0 ||
        confirmedScid.txIndex !== 0 ||
        confirmedScid.txPosition !== 0);
    return isConfirmed
      ? confirmedScid
      : { blockHeight: fundingBroadcastHeight, txIndex: 0, txPosition: 0 };
  }
  return shortChannelId.blockHeight === 0
    ? { ...shortChannelId, blockHeight: fundingBroadcastHeight }
    : shortChannelId;
}

/** Uses the locator if there is one; otherwise the root's public point, which doesn't reveal the root. */
function shaChainRootOf(channel: ChannelWithAddrs): ShaChainRootDesc {
  const { family, index } = channel.revocationKeyLocator;
  if (family === revocationRootFamily) return { pubKey: null, family, index };
  const { Point } = secp256k1;
  const root = channel.revocationProducer;
  const scalar =
    root?.length === 32 ? Point.Fn.create(BigInt(`0x${Buffer.from(root).toString("hex")}`)) : 0n;
  if (scalar === 0n) {
    throw new ScbError(
      "key",
      `channel ${formatOutPoint(channel.fundingOutpoint)} has no usable revocation root: its key locator is of family ${family}, so the 32-byte root itself must be given`,
    );
  }
  const pubKey = Point.BASE.multiply(scalar).toBytes(true);
  return { pubKey, family: revocationRootFamily, index: 0 };
}

/** Source: lnd `buildCloseTxInputs`. */
function closeTxInputsOf(channel: ChannelWithAddrs, version: SingleVersion): CloseTxInputs | null {
  const { commitTx, commitSig, commitHeight } = channel.localCommitment;
  if (commitTx === null) return null;
  const inputs = { commitTx, commitSig };
  switch (version) {
    case singleVersions.simpleTaproot:
      return { ...inputs, commitHeight };
    case singleVersions.simpleTaprootFinal:
      // The bit for "final" doesn't imply the bit for "taproot".
      return { ...inputs, commitHeight: hasType(channel, "simpleTaproot") ? commitHeight : 0n };
    case singleVersions.tapscriptRoot:
      return channel.tapscriptRoot === null
        ? { ...inputs, commitHeight }
        : { ...inputs, commitHeight, tapscriptRoot: channel.tapscriptRoot };
    default:
      return inputs;
  }
}
