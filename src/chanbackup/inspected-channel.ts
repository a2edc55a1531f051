import { formatHash } from "../wire/hash.ts";
import { serializeMsgTx } from "../wire/msg-tx.ts";
import { formatNetAddress } from "../wire/net-address.ts";
import { formatOutPoint } from "../wire/out-point.ts";
import { formatShortChannelId } from "../wire/short-channel-id.ts";
import type { LocalChannelConfig, RemoteChannelConfig, Single } from "./single.ts";

/** One channel of a backup, as `inspect --json` prints it. Source: the command line's contract. */
export interface InspectedChannel {
  readonly version: number;
  readonly isInitiator: boolean;
  readonly chainHash: string;
  readonly fundingOutpoint: string;
  readonly shortChannelId: string;
  readonly remoteNodePub: string;
  readonly addresses: readonly string[];
  readonly capacitySat: number;
  readonly localChanCfg: LocalChannelConfig;
  readonly remoteChanCfg: Readonly<Record<keyof RemoteChannelConfig, string | number>>;
  readonly shaChainRootDesc: {
    readonly pubKey: string | null;
    readonly family: number;
    readonly index: number;
  };
  readonly leaseExpiry?: number;
  readonly closeTxInputs: {
    readonly present: boolean;
    readonly commitTx?: string;
    readonly commitSig?: string;
    readonly commitHeight?: string;
    readonly tapscriptRoot?: string;
  };
}

/** How much of a channel to show. */
export interface InspectOptions {
  /** Whether to include the force close transaction. Default: no. */
  readonly withCloseTx?: boolean | undefined;
}

/**
 * The channel as text and numbers. `withCloseTx` adds its force close transaction. Broadcasting an
 * out-of-date one can lose all the funds of the channel.
 */
export function inspectSingle(
  single: Single,
  { withCloseTx = false }: InspectOptions = {},
): InspectedChannel {
  const { shaChainRootDesc, leaseExpiry } = single;
  const { pubKey, family, index } = shaChainRootDesc;
  return {
    version: single.version,
    isInitiator: single.isInitiator,
    chainHash: formatHash(single.chainHash),
    fundingOutpoint: formatOutPoint(single.fundingOutpoint),
    shortChannelId: formatShortChannelId(single.shortChannelId),
    remoteNodePub: hex(single.remoteNodePub),
    addresses: single.addresses.map(formatNetAddress),
    capacitySat: single.capacitySat,
    localChanCfg: single.localChanCfg,
    remoteChanCfg: {
      csvDelay: single.remoteChanCfg.csvDelay,
      multiSigKey: hex(single.remoteChanCfg.multiSigKey),
      revocationBasePoint: hex(single.remoteChanCfg.revocationBasePoint),
      paymentBasePoint: hex(single.remoteChanCfg.paymentBasePoint),
      delayBasePoint: hex(single.remoteChanCfg.delayBasePoint),
      htlcBasePoint: hex(single.remoteChanCfg.htlcBasePoint),
    },
    shaChainRootDesc: { pubKey: pubKey === null ? null : hex(pubKey), family, index },
    ...(leaseExpiry === undefined ? {} : { leaseExpiry }),
    closeTxInputs: inspectCloseTx(single, withCloseTx),
  };
}

function inspectCloseTx(single: Single, withCloseTx: boolean): InspectedChannel["closeTxInputs"] {
  const inputs = single.closeTxInputs;
  if (inputs === undefined) return { present: false };
  if (!withCloseTx) return { present: true };
  const { commitTx, commitSig, commitHeight, tapscriptRoot } = inputs;
  return {
    present: true,
    commitTx: hex(serializeMsgTx(commitTx)),
    commitSig: hex(commitSig),
    ...(commitHeight === undefined ? {} : { commitHeight: commitHeight.toString() }),
    ...(tapscriptRoot === undefined ? {} : { tapscriptRoot: hex(tapscriptRoot) }),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
