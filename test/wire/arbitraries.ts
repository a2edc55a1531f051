import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import type { MsgTx } from "../../src/wire/msg-tx.ts";
import type { NetAddress } from "../../src/wire/net-address.ts";
import type { OutPoint } from "../../src/wire/out-point.ts";
import type { ShortChannelID } from "../../src/wire/short-channel-id.ts";

/** `fc.record` whose objects are like those that the codec makes: never without a prototype. */
export function plainRecord<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

export function arbitraryBytes(sizeBytes: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });
}

export const arbitraryU16 = fc.integer({ min: 0, max: 0xffff });
export const arbitraryU24 = fc.integer({ min: 0, max: 0xff_ffff });
export const arbitraryU32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const arbitraryU64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** An outpoint as a Single can hold it: index under 2^16. */
export const arbitraryOutPoint: fc.Arbitrary<OutPoint> = plainRecord({
  txid: arbitraryBytes(32),
  index: arbitraryU16,
});

export const arbitraryShortChannelId: fc.Arbitrary<ShortChannelID> = plainRecord({
  blockHeight: arbitraryU24,
  txIndex: arbitraryU24,
  txPosition: arbitraryU16,
});

/** The public key of a small private key. Its own array each time. */
export function publicKeyOf(scalar: number): Uint8Array {
  return new Uint8Array(secp256k1.Point.BASE.multiply(BigInt(scalar)).toBytes(true));
}

const somePublicKeys = Array.from({ length: 32 }, (_, index) => publicKeyOf(index + 1));

/** One of 32 public keys: making new ones would take longer than all else in a test. */
export const arbitraryPublicKey: fc.Arbitrary<Uint8Array> = fc
  .constantFrom(...somePublicKeys)
  .map((key) => key.slice());

function hostAddress<Kind extends "tcp4" | "torV2" | "torV3">(kind: Kind, sizeBytes: number) {
  return plainRecord({
    kind: fc.constant(kind),
    host: arbitraryBytes(sizeBytes),
    port: arbitraryU16,
  });
}

const arbitraryHostAddress: fc.Arbitrary<NetAddress> = fc.oneof(
  hostAddress("tcp4", 4),
  hostAddress("torV2", 10),
  hostAddress("torV3", 35),
  plainRecord({
    kind: fc.constant("tcp6" as const),
    // Begins unlike an IPv4-mapped address, which would not come back as it was.
    host: arbitraryBytes(15).map((rest) => new Uint8Array([0x20, ...rest])),
    port: arbitraryU16,
  }),
  plainRecord({
    kind: fc.constant("dns" as const),
    host: fc.uint8Array({ maxLength: 255 }),
    port: arbitraryU16,
  }),
);

const arbitraryOpaqueAddress: fc.Arbitrary<NetAddress> = fc
  .tuple(fc.integer({ min: 6, max: 255 }), fc.uint8Array({ maxLength: 40 }))
  .map(([type, rest]) => ({ kind: "opaque", bytes: new Uint8Array([type, ...rest]) }));

/** A list that reads back as it was written: at most one opaque address, at the end. */
export const arbitraryAddresses: fc.Arbitrary<readonly NetAddress[]> = fc
  .tuple(
    fc.array(arbitraryHostAddress, { maxLength: 4 }),
    fc.option(arbitraryOpaqueAddress, { nil: undefined, freq: 3 }),
  )
  .map(([hosts, opaque]) => (opaque === undefined ? hosts : [...hosts, opaque]));

const arbitraryScript = fc.uint8Array({ maxLength: 40 });

/** A transaction that lnd can read back: with inputs, with or without witnesses. */
export const arbitraryMsgTx: fc.Arbitrary<MsgTx> = plainRecord({
  version: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  txIn: fc.array(
    plainRecord({
      previousOutPoint: plainRecord({ txid: arbitraryBytes(32), index: arbitraryU32 }),
      signatureScript: arbitraryScript,
      sequence: arbitraryU32,
      witness: fc.oneof(fc.constant([]), fc.array(arbitraryScript, { maxLength: 3 })),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  txOut: fc.array(
    plainRecord({
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      pkScript: arbitraryScript,
    }),
    { maxLength: 3 },
  ),
  lockTime: arbitraryU32,
});
