import type {
  LocalChannelConfig,
  RemoteChannelConfig,
  Single,
} from "../../src/chanbackup/single.ts";
import { formatHash } from "../../src/wire/hash.ts";
import { serializeMsgTx } from "../../src/wire/msg-tx.ts";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { formatShortChannelId } from "../../src/wire/short-channel-id.ts";

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

export function fromHex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/**
 * A Single as `inspect --json --with-close-tx` prints it, so that each value, and not just the bytes,
 * can be held against what lnd's oracle says of it.
 */
export function describeSingle(single: Single): object {
  const { closeTxInputs, shaChainRootDesc } = single;
  return {
    version: single.version,
    isInitiator: single.isInitiator,
    chainHash: formatHash(single.chainHash),
    fundingOutpoint: formatOutPoint(single.fundingOutpoint),
    shortChannelId: formatShortChannelId(single.shortChannelId),
    remoteNodePub: toHex(single.remoteNodePub),
    addresses: single.addresses.map(formatNetAddress),
    capacitySat: single.capacitySat,
    localChanCfg: describeConfig(single.localChanCfg, ({ family, index }) => ({ family, index })),
    remoteChanCfg: describeConfig(single.remoteChanCfg, toHex),
    shaChainRootDesc: {
      pubKey: shaChainRootDesc.pubKey === null ? null : toHex(shaChainRootDesc.pubKey),
      family: shaChainRootDesc.family,
      index: shaChainRootDesc.index,
    },
    ...(single.leaseExpiry !== undefined && { leaseExpiry: single.leaseExpiry }),
    closeTxInputs:
      closeTxInputs === undefined
        ? { present: false }
        : {
            present: true,
            commitTx: toHex(serializeMsgTx(closeTxInputs.commitTx)),
            commitSig: toHex(closeTxInputs.commitSig),
            ...(closeTxInputs.commitHeight !== undefined && {
              commitHeight: String(closeTxInputs.commitHeight),
            }),
            ...(closeTxInputs.tapscriptRoot !== undefined && {
              tapscriptRoot: toHex(closeTxInputs.tapscriptRoot),
            }),
          },
  };
}

type Key<C> = C extends { readonly multiSigKey: infer K } ? K : never;

function describeConfig<C extends LocalChannelConfig | RemoteChannelConfig>(
  config: C,
  describeKey: (key: Key<C>) => unknown,
): object {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      name === "csvDelay" ? value : describeKey(value as Key<C>),
    ]),
  );
}
