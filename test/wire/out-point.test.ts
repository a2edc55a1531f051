import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatHash, parseHash } from "../../src/wire/hash.ts";
import {
  compareOutPoints,
  formatOutPoint,
  type OutPoint,
  parseOutPoint,
} from "../../src/wire/out-point.ts";
import { formatShortChannelId } from "../../src/wire/short-channel-id.ts";
import { arbitraryBytes, arbitraryU32, plainRecord } from "./arbitraries.ts";
import { throwsScb } from "./throws.ts";

const arbitraryAnyOutPoint: fc.Arbitrary<OutPoint> = plainRecord({
  txid: arbitraryBytes(32),
  index: arbitraryU32,
});

describe("hash", () => {
  // Bitcoin's genesis block: as its header hashes, and as everybody prints it.
  const internal = "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000";
  const printed = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

  test("prints in reverse", () => {
    const bytes = new Uint8Array(Buffer.from(internal, "hex"));
    assert.equal(formatHash(bytes), printed);
    assert.equal(Buffer.from(bytes).toString("hex"), internal, "the argument stays as it was");
    assert.deepEqual(parseHash(printed), bytes);
  });

  for (const bad of ["", printed.slice(1), `${printed}0`, printed.replace("6", "g")]) {
    test(`refuses ${JSON.stringify(bad)}`, () => {
      throwsScb(() => parseHash(bad), "decode", /64 hex digits/);
    });
  }
});

describe("OutPoint", () => {
  const txid = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

  test("prints the txid as explorers do", () => {
    const outPoint = { txid: new Uint8Array(Buffer.from(txid, "hex").reverse()), index: 7 };
    assert.equal(formatOutPoint(outPoint), `${txid}:7`);
    assert.deepEqual(parseOutPoint(`${txid.toUpperCase()}:7`), outPoint);
  });

  test("parses what it formats", () => {
    fc.assert(
      fc.property(arbitraryAnyOutPoint, (outPoint) => {
        assert.deepEqual(parseOutPoint(formatOutPoint(outPoint)), outPoint);
      }),
    );
  });

  const invalid: readonly [string, string][] = [
    ["nothing", ""],
    ["no index", `${txid}:`],
    ["no colon", txid],
    ["a short txid", `${txid.slice(2)}:0`],
    ["a negative index", `${txid}:-1`],
    ["an index over 2^32 - 1", `${txid}:4294967296`],
    ["a hex index", `${txid}:0x1`],
    ["space around it", ` ${txid}:1 `],
    ["a line's end", `${txid}:1\n`],
    ["two of them", `${txid}:1:1`],
  ];
  for (const [name, text] of invalid) {
    test(`refuses ${name}`, () => throwsScb(() => parseOutPoint(text), "decode", /txid:index/));
  }

  test("is ordered by the txid as printed, then by the index as a number", () => {
    const sorted = [
      `${"0".repeat(63)}1:5`,
      `${"0".repeat(62)}10:0`,
      `1${"0".repeat(63)}:2`,
      `1${"0".repeat(63)}:10`,
      `f${"0".repeat(63)}:0`,
    ];
    const shuffled = [3, 0, 4, 2, 1].map((at) => parseOutPoint(sorted[at] ?? ""));
    assert.deepEqual(shuffled.sort(compareOutPoints).map(formatOutPoint), sorted);
  });

  test("its order is that of the printed text", () => {
    fc.assert(
      fc.property(arbitraryAnyOutPoint, arbitraryAnyOutPoint, (a, b) => {
        const [one, other] = [formatHash(a.txid), formatHash(b.txid)];
        const expected = one === other ? Math.sign(a.index - b.index) : one < other ? -1 : 1;
        assert.equal(Math.sign(compareOutPoints(a, b)), expected);
      }),
    );
  });
});

test("a short channel id is printed with x between", () => {
  assert.equal(formatShortChannelId({ blockHeight: 401, txIndex: 1, txPosition: 0 }), "401x1x0");
});
