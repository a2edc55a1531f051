import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { type ChannelWithAddrs, channelTypeBits } from "../chanbackup/new-single.ts";
import { keyFamilies } from "../keychain/key-locator.ts";
import { ScbError } from "../runtime/error.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import type { MsgTx } from "../wire/msg-tx.ts";
import type { NetAddress } from "../wire/net-address.ts";
import type { OutPoint } from "../wire/out-point.ts";

/** The genesis block of regtest, in internal order. */
const chainHash = Uint8Array.from(
  Buffer.from("06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f", "hex"),
);

const anchors =
  channelTypeBits.singleFunderTweakless |
  channelTypeBits.anchorOutputs |
  channelTypeBits.zeroHtlcTxFee;

/** Most channels have anchors, as on real nodes. Together these types yield most versions of a Single. */
const channelTypes: readonly number[] = [
  anchors,
  anchors,
  anchors,
  channelTypeBits.singleFunderTweakless,
  anchors | channelTypeBits.leaseExpiration,
  anchors | channelTypeBits.simpleTaproot,
  anchors | channelTypeBits.simpleTaproot | channelTypeBits.tapscriptRoot,
  anchors | channelTypeBits.simpleTaproot | channelTypeBits.taprootFinal,
];

/** A peer of the demo node. */
export interface DemoPeer {
  readonly identityPub: Uint8Array;
  readonly addrs: readonly NetAddress[];
}

export function makeDemoPeer(random: Random): DemoPeer {
  const kinds = [[tcp4], [torV3], [tcp4, torV3], [tcp4, tcp6], [tcp4, tcp6, torV3]] as const;
  const addrs = pick(kinds, random).map((make) => make(random));
  return { identityPub: publicKey(random), addrs };
}

/** Options of a demo channel. */
export interface DemoChannelOptions {
  /** The block height at which its funding was sent. Default 800,000. */
  readonly blockHeight?: number;
  readonly random?: Random;
}

/** A realistic channel without funds, with its own peer. It isn't confirmed yet. */
export function demoChannel(options: DemoChannelOptions = {}): ChannelWithAddrs {
  const { blockHeight = 800_000, random = systemRandom } = options;
  return openDemoChannel(makeDemoPeer(random), blockHeight, random);
}

/** A channel whose funding was just sent and isn't confirmed yet. */
export function openDemoChannel(
  peer: DemoPeer,
  blockHeight: number,
  random: Random,
): ChannelWithAddrs {
  const chanType = pick(channelTypes, random);
  const fundingOutpoint = { txid: random.bytes(32), index: integer(0, 2, random) };
  const capacitySat = integer(2, 168, random) * 100_000;
  const keyIndex = integer(0, 10_000, random);
  const local = (family: number) => ({ family, index: keyIndex });
  const isLease = (chanType & channelTypeBits.leaseExpiration) !== 0;
  const hasTapscriptRoot = (chanType & channelTypeBits.tapscriptRoot) !== 0;
  return {
    chanType,
    isInitiator: random.unit() < 0.5,
    chainHash,
    fundingOutpoint,
    shortChannelId: { blockHeight: 0, txIndex: 0, txPosition: 0 },
    confirmedScid: null,
    fundingBroadcastHeight: blockHeight,
    identityPub: peer.identityPub,
    addrs: peer.addrs,
    capacitySat,
    localChanCfg: {
      csvDelay: 144,
      multiSigKey: local(keyFamilies.multiSig),
      revocationBasePoint: local(keyFamilies.revocationBase),
      paymentBasePoint: local(keyFamilies.paymentBase),
      delayBasePoint: local(keyFamilies.delayBase),
      htlcBasePoint: local(keyFamilies.htlcBase),
    },
    remoteChanCfg: {
      csvDelay: integer(144, 2016, random),
      multiSigKey: publicKey(random),
      revocationBasePoint: publicKey(random),
      paymentBasePoint: publicKey(random),
      delayBasePoint: publicKey(random),
      htlcBasePoint: publicKey(random),
    },
    thawHeight: isLease ? blockHeight + 4032 : 0,
    revocationKeyLocator: local(keyFamilies.revocationRoot),
    revocationProducer: null,
    localCommitment: {
      commitTx: commitTx(fundingOutpoint, capacitySat, random),
      commitSig: random.bytes(70),
      commitHeight: BigInt(integer(0, 5000, random)),
    },
    tapscriptRoot: hasTapscriptRoot ? random.bytes(32) : null,
  };
}

/** The same channel, with its funding confirmed in block `blockHeight`. */
export function confirmDemoChannel(
  channel: ChannelWithAddrs,
  blockHeight: number,
  random: Random,
): ChannelWithAddrs {
  const txIndex = integer(1, 3000, random);
  const txPosition = channel.fundingOutpoint.index;
  return { ...channel, shortChannelId: { blockHeight, txIndex, txPosition } };
}

/** A commitment with both balances, whose scripts have the usual length. */
function commitTx(funding: OutPoint, capacitySat: number, random: Random): MsgTx {
  const ours = integer(0, capacitySat, random);
  const output = (value: number) => ({
    value: BigInt(value),
    pkScript: Uint8Array.from([0, 32, ...random.bytes(32)]),
  });
  return {
    version: 2,
    txIn: [
      {
        previousOutPoint: funding,
        signatureScript: new Uint8Array(),
        sequence: 0x8000_0000 + integer(0, 0x100_0000, random),
        witness: [],
      },
    ],
    txOut: [output(ours), output(capacitySat - ours)],
    lockTime: 0x2000_0000 + integer(0, 0x100_0000, random),
  };
}

/**
 * RFC 5737 addresses, reserved for documentation, so that a drill that dials them reaches no stranger.
 */
function tcp4(random: Random): NetAddress {
  const host = Uint8Array.of(198, 51, 100, ...random.bytes(1));
  return { kind: "tcp4", host, port: 9735 };
}

/** RFC 3849 addresses, reserved for documentation. */
function tcp6(random: Random): NetAddress {
  const host = Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, ...random.bytes(12)]);
  return { kind: "tcp6", host, port: 9735 };
}

/** Tor's rend-spec-v3, section 6: public key, checksum, version. */
function torV3(random: Random): NetAddress {
  const key = random.bytes(32);
  const hash = createHash("sha3-256")
    .update(".onion checksum")
    .update(key)
    .update(Uint8Array.of(3));
  const host = Uint8Array.from([...key, ...hash.digest().subarray(0, 2), 3]);
  return { kind: "torV3", host, port: 9735 };
}

function publicKey(random: Random): Uint8Array {
  return secp256k1.getPublicKey(secp256k1.utils.randomSecretKey(random.bytes(48)), true);
}

/** A whole number from `from` to less than `below`. */
function integer(from: number, below: number, random: Random): number {
  return from + Math.floor(random.unit() * (below - from));
}

/** One of `choices`, which is not empty. */
export function pick<T>(choices: readonly T[], random: Random): T {
  const choice = choices[integer(0, choices.length, random)];
  if (choice === undefined) throw new ScbError("internal", "nothing to choose from");
  return choice;
}
