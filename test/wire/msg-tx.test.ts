import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { deserializeMsgTx, type MsgTx, serializeMsgTx } from "../../src/wire/msg-tx.ts";
import { arbitraryMsgTx } from "./arbitraries.ts";
import { throwsScb } from "./throws.ts";

// The coinbase of Bitcoin's genesis block.
const genesisCoinbase =
  "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";
// The signed native P2WPKH transaction of BIP 143: one input without, one with a witness.
const segwit =
  "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000";

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

function rewritten(hex: string): string {
  return Buffer.from(serializeMsgTx(deserializeMsgTx(fromHex(hex)))).toString("hex");
}

describe("MsgTx", () => {
  test("reads real transactions and writes back their bytes", () => {
    assert.equal(rewritten(genesisCoinbase), genesisCoinbase);
    assert.equal(rewritten(segwit), segwit);
  });

  test("knows their parts", () => {
    const coinbase = deserializeMsgTx(fromHex(genesisCoinbase));
    assert.equal(coinbase.txOut[0]?.value, 50n * 100_000_000n);
    assert.equal(coinbase.txIn[0]?.previousOutPoint.index, 0xffffffff);
    const tx = deserializeMsgTx(fromHex(segwit));
    assert.equal(tx.lockTime, 17);
    assert.deepEqual(
      tx.txIn.map(({ witness }) => witness.map((item) => item.length)),
      [[], [71, 33]],
    );
  });

  test("reads back what it writes", () => {
    fc.assert(
      fc.property(arbitraryMsgTx, (tx) => {
        assert.deepEqual(deserializeMsgTx(serializeMsgTx(tx)), tx);
      }),
    );
  });

  test("refuses every cut, and a byte too many", () => {
    for (const hex of [genesisCoinbase, segwit]) {
      const bytes = fromHex(hex);
      for (let size = 0; size < bytes.length; size++) {
        throwsScb(() => deserializeMsgTx(bytes.subarray(0, size)), "decode", /offset \d+/);
      }
      throwsScb(() => deserializeMsgTx(fromHex(`${hex}00`)), "decode", /1 bytes follow/);
    }
  });

  const input = `${"11".repeat(32)} 00000000 00 ffffffff`;
  const output = "0100000000000000 00";
  const invalid: readonly [name: string, hex: string, message: RegExp][] = [
    [
      "a count in three bytes for one",
      `02000000 fd0100 ${input} 01 ${output} 00000000`,
      /more bytes than it needs/,
    ],
    ["a count in five bytes for three", `02000000 fe00010000 ${input}`, /more bytes than it needs/],
    ["a count in nine bytes for five", "02000000 ff0000010000000000", /more bytes than it needs/],
    [
      "a marker in three bytes",
      `02000000 fd0000 01 01 ${input} 01 ${output} 00 00000000`,
      /more bytes/,
    ],
    ["segwit flag 0", `02000000 0000 01 ${input} 01 ${output} 00000000`, /segwit flag 0.*offset 5/],
    ["segwit flag 2", `02000000 0002 01 ${input} 01 ${output} 00 00000000`, /segwit flag 2/],
    ["no inputs", `02000000 00 01 ${output} 00000000`, /offset/],
    [
      "no inputs behind the marker",
      `02000000 0001 00 01 ${output} 00000000`,
      /announces witnesses/,
    ],
    [
      "a superfluous witness",
      `02000000 0001 01 ${input} 01 ${output} 00 00000000`,
      /announces witnesses and has none/,
    ],
    ["more inputs than lnd takes", "02000000 fe9e8f0100", /102302 is more than the 102301/],
    ["2^64 - 1 inputs", "02000000 ffffffffffffffffff", /18446744073709551615 is more/],
    ["inputs for which there is no room", `02000000 02 ${input}`, /2 of at least 41 bytes/],
    ["more outputs than lnd takes", `02000000 01 ${input} fe731c0700`, /466035 is more than/],
    [
      "a script larger than lnd takes",
      `02000000 01 ${"11".repeat(32)} 00000000 fe01093d00`,
      /4000001 is more/,
    ],
    [
      "a script beyond the end",
      `02000000 01 ${"11".repeat(32)} 00000000 05 00000000`,
      /5 bytes are needed/,
    ],
    [
      "more witness items than there is room for",
      `02000000 0001 01 ${input} 00 fd0001 00000000`,
      /256 of at least 1/,
    ],
    [
      "more witness items than lnd takes",
      `02000000 0001 01 ${input} 00 fe01093d00`,
      /4000001 is more/,
    ],
  ];
  for (const [name, hex, message] of invalid) {
    test(`refuses ${name}`, () =>
      throwsScb(() => deserializeMsgTx(fromHex(hex)), "decode", message));
  }

  const small: MsgTx = deserializeMsgTx(fromHex(`02000000 01 ${input} 01 ${output} 00000000`));

  test("refuses to write what could not be read back", () => {
    throwsScb(() => serializeMsgTx({ ...small, txIn: [] }), "encode", /has no inputs/);
    const half = { value: 1n, pkScript: new Uint8Array(2_097_153) };
    throwsScb(() => serializeMsgTx({ ...small, txOut: [half, half] }), "encode", /4194304/);
    const whole = { value: 1n, pkScript: new Uint8Array(4_000_001) };
    throwsScb(() => serializeMsgTx({ ...small, txOut: [whole] }), "encode", /4000000/);
  });

  test("refuses scripts that are too large together", () => {
    const size = 2_097_153;
    const varint = Buffer.from([0xfe, size & 0xff, (size >> 8) & 0xff, (size >> 16) & 0xff, 0]);
    const big = Buffer.concat([Buffer.from("0100000000000000", "hex"), varint, Buffer.alloc(size)]);
    const bytes = Buffer.concat([fromHex(`02000000 01 ${input} 02`), big, big, Buffer.alloc(4)]);
    throwsScb(() => deserializeMsgTx(bytes), "decode", /more than the 4194304 bytes/);
  });

  test("lengths of one, three and five bytes come back", () => {
    for (const size of [0, 252, 253, 65_535, 65_536]) {
      const tx = { ...small, txOut: [{ value: 1n, pkScript: new Uint8Array(size) }] };
      assert.deepEqual(deserializeMsgTx(serializeMsgTx(tx)), tx);
    }
  });
});
