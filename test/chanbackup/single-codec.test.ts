import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Single, SingleVersion } from "../../src/chanbackup/single.ts";
import {
  deserializeSingle,
  serializeSingle,
  singleCodec,
} from "../../src/chanbackup/single-codec.ts";
import { formatHash } from "../../src/wire/hash.ts";
import { formatNetAddress } from "../../src/wire/net-address.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { formatShortChannelId } from "../../src/wire/short-channel-id.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";
import { throwsScb } from "../wire/throws.ts";
import { allSingleVersions, arbitrarySingle, arbitrarySingleOf } from "./arbitraries.ts";

// A version 6 Single put together by hand from the layout, field by field.
const g1 = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const g2 = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
const g3 = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const g4 = "02e493dbf1c10d80f3581e4904930b1404cc6c13900ee0758474fa94abe8c4cd13";
const g5 = "022f8bde4d1a07209355b4a7250a5c5128e88b84bddc619ab7cba8d569b240efe4";
const g6 = "03fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556";
const handMadeBody = [
  ["isInitiator", "01"],
  ["chainHash", "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"],
  ["txid", "201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a090807060504030201"],
  ["index", "0102"],
  ["shortChannelId", "000191 000001 0000"],
  ["remoteNodePub", g1],
  ["addresses", "000e 01 7f000001 2607 01 01020304 0050"],
  ["capacitySat", "00000000000f4240"],
  ["local csvDelay", "0090"],
  [
    "local keys",
    "0000000000000001 0000000100000002 0000000300000003 0000000400000004 0000000200000005",
  ],
  ["remote csvDelay", "ffff"],
  ["remote keys", `${g2} ${g3} ${g4} ${g5} ${g6}`],
  ["shaChainRoot", `${"00".repeat(33)} 00000005 00000007`],
  [
    "commitTx",
    `02000000 01 ${"ab".repeat(32)} 01000000 00 ffffffff 01 e803000000000000 02 5151 11000000`,
  ],
  ["commitSig", "0003 aabbcc"],
  ["commitHeight", "8000000000000001"],
  ["tapscriptRoot", "ef".repeat(32)],
] as const;

function bytesOf(parts: readonly (readonly [string, string])[]): Buffer {
  return Buffer.from(parts.map(([, hex]) => hex.replaceAll(" ", "")).join(""), "hex");
}

function framed(version: number, body: Uint8Array, length = body.length): Uint8Array {
  return new Uint8Array([version, (length >> 8) & 0xff, length & 0xff, ...body]);
}

const handMade = framed(0x86, bytesOf(handMadeBody));

/** Where a part of the hand-made Single begins in it. */
function offsetOf(name: (typeof handMadeBody)[number][0]): number {
  const before = handMadeBody.slice(
    0,
    handMadeBody.findIndex(([part]) => part === name),
  );
  return 3 + bytesOf(before).length;
}

function damaged(at: number, ...bytes: number[]): Uint8Array {
  const copy = handMade.slice();
  copy.set(bytes, at);
  return copy;
}

describe("a Single made by hand", () => {
  const single = deserializeSingle(handMade);

  test("says what was written", () => {
    assert.equal(single.version, 6);
    assert.equal(single.isInitiator, true);
    assert.equal(
      formatHash(single.chainHash),
      "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    );
    assert.equal(
      formatOutPoint(single.fundingOutpoint),
      "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20:258",
    );
    assert.equal(formatShortChannelId(single.shortChannelId), "401x1x0");
    assert.deepEqual(single.remoteNodePub, publicKeyOf(1));
    assert.deepEqual(single.addresses.map(formatNetAddress), ["127.0.0.1:9735", "1.2.3.4:80"]);
    assert.equal(single.capacitySat, 1_000_000);
    assert.deepEqual(single.localChanCfg, {
      csvDelay: 144,
      multiSigKey: { family: 0, index: 1 },
      revocationBasePoint: { family: 1, index: 2 },
      paymentBasePoint: { family: 3, index: 3 },
      delayBasePoint: { family: 4, index: 4 },
      htlcBasePoint: { family: 2, index: 5 },
    });
    assert.deepEqual(single.remoteChanCfg, {
      csvDelay: 65535,
      multiSigKey: publicKeyOf(2),
      revocationBasePoint: publicKeyOf(3),
      paymentBasePoint: publicKeyOf(4),
      delayBasePoint: publicKeyOf(5),
      htlcBasePoint: publicKeyOf(6),
    });
    assert.deepEqual(single.shaChainRootDesc, { pubKey: null, family: 5, index: 7 });
    assert.equal("leaseExpiry" in single, false);
    assert.deepEqual(single.closeTxInputs, {
      commitTx: {
        version: 2,
        txIn: [
          {
            previousOutPoint: { txid: new Uint8Array(32).fill(0xab), index: 1 },
            signatureScript: new Uint8Array(),
            sequence: 0xffffffff,
            witness: [],
          },
        ],
        txOut: [{ value: 1000n, pkScript: new Uint8Array([0x51, 0x51]) }],
        lockTime: 17,
      },
      commitSig: new Uint8Array([0xaa, 0xbb, 0xcc]),
      commitHeight: 2n ** 63n + 1n,
      tapscriptRoot: new Uint8Array(32).fill(0xef),
    });
  });

  test("is written back as it was", () => assert.deepEqual(serializeSingle(single), handMade));

  test("is refused when cut anywhere, and with a byte too many", () => {
    for (let size = 0; size < handMade.length; size++) {
      throwsScb(() => deserializeSingle(handMade.subarray(0, size)), "decode", /offset \d+/);
    }
    throwsScb(
      () => deserializeSingle(new Uint8Array([...handMade, 0])),
      "decode",
      /1 bytes follow/,
    );
  });

  test("does not share memory with what it was read from", () => {
    const bytes = Buffer.from(handMade);
    const read = deserializeSingle(bytes);
    bytes.fill(0);
    assert.deepEqual(read, single);
  });

  for (const byte of [0, 2, 0x80, 0xff]) {
    test(`isInitiator is false for ${byte}`, () => {
      const read = deserializeSingle(damaged(3, byte));
      assert.equal(read.isInitiator, false);
      assert.equal(serializeSingle(read)[3], 0);
    });
  }

  const badLengths: readonly (readonly [name: string, length: number])[] = [
    ["one less", handMade.length - 4],
    ["one more", handMade.length - 2],
    ["zero", 0],
    ["the greatest", 0xffff],
    ["with the header counted", handMade.length],
  ];
  for (const [name, length] of badLengths) {
    test(`a length that lies is refused: ${name}`, () => {
      const lying = framed(0x86, handMade.subarray(3), length);
      throwsScb(() => deserializeSingle(lying), "decode", /announces \d+ bytes and has .*offset 0/);
    });
  }

  for (const version of [8, 9, 0x7f, 0x88, 0xff]) {
    test(`version byte ${version} is refused`, () => {
      const unknown = new RegExp(`version ${version & 0x7f} is not known`);
      throwsScb(() => deserializeSingle(damaged(0, version)), "decode", unknown);
    });
  }

  for (const version of [0x80, 0x84, 0x85, 0x87, 0x06, 0x04, 0x00]) {
    test(`under version byte ${version} it is refused, and not half read`, () => {
      throwsScb(() => deserializeSingle(damaged(0, version)), "decode", /offset/);
    });
  }

  const remoteKeys = offsetOf("remote keys");
  const keys: readonly (readonly [name: string, at: number])[] = [
    ["remoteNodePub", offsetOf("remoteNodePub")],
    ["remoteChanCfg.multiSigKey", remoteKeys],
    ["remoteChanCfg.revocationBasePoint", remoteKeys + 33],
    ["remoteChanCfg.paymentBasePoint", remoteKeys + 66],
    ["remoteChanCfg.delayBasePoint", remoteKeys + 99],
    ["remoteChanCfg.htlcBasePoint", remoteKeys + 132],
    ["shaChainRootDesc.pubKey", offsetOf("shaChainRoot")],
  ];
  for (const [name, at] of keys) {
    const offCurve = [2, ...new Uint8Array(31), 5];
    test(`${name} off the curve is refused`, () => {
      const message = new RegExp(`channel\\.${name}: .*not a public key.*offset ${at}\\)`);
      throwsScb(() => deserializeSingle(damaged(at, ...offCurve)), "decode", message);
    });
    if (name !== "shaChainRootDesc.pubKey") {
      test(`${name} of zeros is refused`, () => {
        throwsScb(
          () => deserializeSingle(damaged(at, ...new Uint8Array(33))),
          "decode",
          /not a public/,
        );
      });
    }
  }

  test("a revocation root with a key", () => {
    const withKey = damaged(offsetOf("shaChainRoot"), ...publicKeyOf(9));
    assert.deepEqual(deserializeSingle(withKey).shaChainRootDesc.pubKey, publicKeyOf(9));
    assert.deepEqual(serializeSingle(deserializeSingle(withKey)), withKey);
  });

  test("2^53 sat is a capacity, more is an error that says so", () => {
    const at = offsetOf("capacitySat");
    const most = deserializeSingle(damaged(at, 0, 0x20, 0, 0, 0, 0, 0, 0));
    assert.equal(most.capacitySat, 2 ** 53);
    const over = damaged(at, 0, 0x20, 0, 0, 0, 0, 0, 1);
    throwsScb(() => deserializeSingle(over), "decode", /9007199254740993 sat is over 2\^53/);
    throwsScb(() => deserializeSingle(damaged(at, 0xff)), "decode", /over 2\^53/);
  });
});

test("a body over 65,535 bytes carries its length modulo 65,536, as in lnd", () => {
  const single = deserializeSingle(handMade);
  const opaque = new Uint8Array(65_400).fill(0x77);
  const large: Single = { ...single, addresses: [{ kind: "opaque", bytes: opaque }] };
  const bytes = serializeSingle(large);
  const bodySizeBytes = bytes.length - 3;
  assert.ok(bodySizeBytes > 0x1_0000);
  assert.equal(Buffer.from(bytes).readUInt16BE(1), bodySizeBytes - 0x1_0000);
  assert.deepEqual(deserializeSingle(bytes), large);
  bytes[2] = (bytes[2] ?? 0) ^ 1;
  throwsScb(() => deserializeSingle(bytes), "decode", /announces/);
});

describe("any Single", () => {
  for (const version of allSingleVersions) {
    test(`of version ${version} reads back as it was written`, () => {
      fc.assert(
        fc.property(arbitrarySingleOf(version), (single) => {
          const bytes = serializeSingle(single);
          assert.deepEqual(deserializeSingle(bytes), single);
          assert.ok(bytes.length >= singleCodec.minSizeBytes);
        }),
      );
    });
  }

  test("cut anywhere is refused", () => {
    fc.assert(
      fc.property(arbitrarySingle, fc.double({ min: 0, max: 1, noNaN: true }), (single, part) => {
        const bytes = serializeSingle(single);
        const cut = bytes.subarray(0, Math.min(bytes.length - 1, Math.floor(bytes.length * part)));
        throwsScb(() => deserializeSingle(cut), "decode", /offset \d+/);
      }),
    );
  });

  test("with one byte changed is refused in order, or is another that reads back", () => {
    fc.assert(
      fc.property(
        arbitrarySingle,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (single, at, bits) => {
          const bytes = serializeSingle(single);
          const place = at % bytes.length;
          bytes[place] = (bytes[place] ?? 0) ^ bits;
          let read: Single;
          try {
            read = deserializeSingle(bytes);
          } catch (error) {
            throwsScb(
              () => {
                throw error;
              },
              "decode",
              /offset \d+/,
            );
            return;
          }
          assert.deepEqual(deserializeSingle(serializeSingle(read)), read);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("bytes of any kind are refused with an offset, never with another error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        throwsScb(() => deserializeSingle(bytes), "decode", /offset \d+/);
      }),
    );
  });
});

describe("refuses to write", () => {
  const single = deserializeSingle(handMade);
  const { closeTxInputs, ...bare } = single;
  assert.ok(closeTxInputs);
  const { tapscriptRoot: _root, ...noRoot } = closeTxInputs;
  const { commitHeight: _height, ...noHeight } = noRoot;

  const unwritable: readonly (readonly [name: string, single: Single, message: RegExp])[] = [
    ["a version 8", { ...bare, version: Number(8) as SingleVersion }, /version 8 is not known/],
    [
      "an index over 65,535",
      { ...single, fundingOutpoint: { ...single.fundingOutpoint, index: 65_536 } },
      /fundingOutpoint\.index: 65536/,
    ],
    [
      "a block height of 2^24",
      { ...single, shortChannelId: { ...single.shortChannelId, blockHeight: 2 ** 24 } },
      /blockHeight: 16777216/,
    ],
    [
      "a txid of 31 bytes",
      { ...single, fundingOutpoint: { txid: new Uint8Array(31), index: 0 } },
      /txid: 31 bytes/,
    ],
    [
      "a key off the curve",
      { ...single, remoteNodePub: new Uint8Array(33) },
      /remoteNodePub: is not a public key/,
    ],
    [
      "a key off the curve for the root",
      { ...single, shaChainRootDesc: { ...single.shaChainRootDesc, pubKey: new Uint8Array(33) } },
      /pubKey: is not a public key/,
    ],
    ["a capacity over 2^53", { ...single, capacitySat: 2 ** 54 }, /capacitySat: .*2\^53/],
    ["half a satoshi", { ...single, capacitySat: 0.5 }, /capacitySat: 0\.5 sat/],
    ["a negative capacity", { ...single, capacitySat: -1 }, /capacitySat: -1 sat/],
    [
      "a version 6 without tapscript root",
      { ...bare, closeTxInputs: { ...noRoot } },
      /tapscriptRoot: is missing/,
    ],
    [
      "a version 5 without height",
      { ...bare, version: 5, closeTxInputs: noHeight },
      /commitHeight: is missing/,
    ],
    [
      "a version 3 with a height",
      { ...bare, version: 3, closeTxInputs: noRoot },
      /commitHeight: is given/,
    ],
    ["a version 4 without lease", { ...bare, version: 4 }, /leaseExpiry: is missing/],
    ["a version 3 with a lease", { ...bare, version: 3, leaseExpiry: 1 }, /leaseExpiry: is given/],
    [
      "a signature over 65,535 bytes",
      { ...single, closeTxInputs: { ...closeTxInputs, commitSig: new Uint8Array(65_536) } },
      /commitSig length: 65536/,
    ],
  ];
  for (const [name, value, message] of unwritable) {
    test(name, () => throwsScb(() => serializeSingle(value), "encode", message));
  }
});
