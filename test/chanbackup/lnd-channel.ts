import { readFileSync } from "node:fs";
import type { ChannelWithAddrs } from "../../src/chanbackup/new-single.ts";
import type { NetAddress } from "../../src/wire/net-address.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";

/** An entry of `lnd-singles.json`; `lnd-singles.md` says where it is from. */
export interface LndSingle {
  readonly name: string;
  readonly chanType: number;
  readonly withTx: boolean;
  readonly legacy: boolean;
  /** As Go prints them. */
  readonly addrs: readonly string[];
  readonly hex: string;
}

export const lndSingles: readonly LndSingle[] = JSON.parse(
  readFileSync(new URL("lnd-singles.json", import.meta.url), "utf8"),
);

export function countingBytes(first: number, sizeBytes = 32): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, at) => first + at);
}

/** The channel that lnd was given for every entry. */
export function lndChannel({
  chanType,
  withTx,
  legacy,
}: LndSingle): Omit<ChannelWithAddrs, "addrs"> {
  const txid = countingBytes(0x80);
  return {
    chanType,
    isInitiator: (chanType & 8) === 0,
    chainHash: countingBytes(0x40),
    fundingOutpoint: { txid, index: 515 },
    shortChannelId: { blockHeight: 0x010203, txIndex: 0x040506, txPosition: 0x0708 },
    confirmedScid: null,
    fundingBroadcastHeight: 700_001,
    identityPub: publicKeyOf(1),
    capacitySat: 16_777_215,
    localChanCfg: {
      csvDelay: 144,
      multiSigKey: { family: 0, index: 1 },
      revocationBasePoint: { family: 1, index: 2 },
      paymentBasePoint: { family: 3, index: 3 },
      delayBasePoint: { family: 4, index: 4 },
      htlcBasePoint: { family: 2, index: 0xfffffffe },
    },
    remoteChanCfg: {
      csvDelay: 1201,
      multiSigKey: publicKeyOf(2),
      revocationBasePoint: publicKeyOf(3),
      paymentBasePoint: publicKeyOf(4),
      delayBasePoint: publicKeyOf(5),
      htlcBasePoint: publicKeyOf(6),
    },
    thawHeight: 812_345,
    revocationKeyLocator: legacy ? { family: 0, index: 0 } : { family: 5, index: 77 },
    revocationProducer: legacy ? countingBytes(0x11) : null,
    localCommitment: {
      commitTx: withTx
        ? {
            version: 2,
            txIn: [
              {
                previousOutPoint: { txid, index: 515 },
                signatureScript: new Uint8Array(),
                sequence: 0x80123456,
                witness: [],
              },
            ],
            txOut: [
              { value: 330n, pkScript: new Uint8Array([0, 1, 2]) },
              { value: 16_770_000n, pkScript: new Uint8Array(34).fill(7) },
            ],
            lockTime: 0x20abcdef,
          }
        : null,
      commitSig: new Uint8Array(71).fill(9),
      commitHeight: 0x1122334455667788n,
    },
    tapscriptRoot: countingBytes(0x20),
  };
}

const ipv4: NetAddress = { kind: "tcp4", host: new Uint8Array([1, 2, 3, 4]), port: 9735 };

/** One address of each kind, as the last entry has them. */
export const lndAddresses: readonly NetAddress[] = [
  ipv4,
  {
    kind: "tcp6",
    host: new Uint8Array(Buffer.from("20010db8000000000000000000000001", "hex")),
    port: 9736,
  },
  {
    kind: "torV2",
    host: new Uint8Array(Buffer.from("d9b547af8f8795428b8c", "hex")),
    port: 9735,
  },
  {
    kind: "torV3",
    host: new Uint8Array(
      Buffer.from("adadec040be047f9658668b11a504f3155001f231a37f54c4476c07fb4cc139ed7e303", "hex"),
    ),
    port: 9737,
  },
  { kind: "dns", host: new TextEncoder().encode("example.com"), port: 8080 },
  { kind: "opaque", bytes: new Uint8Array([255, 1, 2, 3, 4]) },
];
