import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { deserializeMulti, serializeMulti, sortSingles } from "../../src/chanbackup/multi.ts";
import { type Single, singleVersions } from "../../src/chanbackup/single.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";
import { formatOutPoint, parseOutPoint } from "../../src/wire/out-point.ts";
import { throwsScb } from "../wire/throws.ts";
import { arbitraryMulti } from "./arbitraries.ts";
import { lndSingles } from "./lnd-channel.ts";
import { plainSingle } from "./plain-single.ts";

const sample = deserializeSingle(Buffer.from(lndSingles[0]?.hex ?? "", "hex"));

function singleAt(outPoint: string, capacitySat = 1): Single {
  return { ...sample, fundingOutpoint: parseOutPoint(outPoint), capacitySat };
}

const v4Mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const low = `${"0".repeat(63)}1:1`;
const second = `${"0".repeat(63)}1:10`;
const high = `1${"0".repeat(63)}:0`;

/** The Singles of a Multi's plaintext, as plain data. */
function readSingles(plaintext: Uint8Array): Single[] {
  return deserializeMulti(plaintext).staticBackups.map(plainSingle);
}

function header(version: number, count: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes[0] = version;
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("Multi", () => {
  test("without channels is five zero bytes", () => {
    const bytes = serializeMulti({ version: 0, staticBackups: [] });
    assert.deepEqual(bytes, new Uint8Array(5));
    assert.deepEqual(deserializeMulti(bytes), { version: 0, staticBackups: [] });
  });

  test("is a header and its Singles, sorted by outpoint", () => {
    const [a, b, c] = [singleAt(low), singleAt(second), singleAt(high)];
    const expected = joined(header(0, 3), ...[a, b, c].map(serializeSingle));
    assert.deepEqual(serializeMulti({ version: 0, staticBackups: [c, b, a] }), expected);
    assert.deepEqual(readSingles(expected), [a, b, c]);
  });

  test("reads back as it was written, sorted; equal states give equal bytes", () => {
    fc.assert(
      fc.property(arbitraryMulti(), (multi) => {
        const bytes = serializeMulti(multi);
        assert.deepEqual(readSingles(bytes), sortSingles(multi.staticBackups));
        assert.deepEqual(serializeMulti(deserializeMulti(bytes)), bytes);
        const reversed = { ...multi, staticBackups: multi.staticBackups.toReversed() };
        assert.deepEqual(serializeMulti(reversed), bytes);
      }),
    );
  });

  test("serializing leaves the given array as it was", () => {
    const staticBackups = [singleAt(high), singleAt(low)];
    serializeMulti({ version: 0, staticBackups });
    assert.deepEqual(
      staticBackups.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint)),
      [high, low],
    );
  });

  test("reads the file's order", () => {
    const singles = [singleAt(high), singleAt(low)];
    const bytes = joined(header(0, 2), ...singles.map(serializeSingle));
    assert.deepEqual(readSingles(bytes), singles);
  });

  test("what has another spelling is kept, and written back, in lnd's", () => {
    const usual = serializeSingle({ ...singleAt(low), addresses: [] });
    const addressesAt = 3 + 1 + 32 + 34 + 8 + 33;
    assert.deepEqual(usual.slice(addressesAt, addressesAt + 2), new Uint8Array(2));
    // A boolean that is neither 0 nor 1, an address of no type, and an IPv4 one as IPv6.
    const other = joined(
      usual.slice(0, 3),
      Uint8Array.of(2),
      usual.slice(4, addressesAt),
      Uint8Array.of(0, 20, 0, 2, ...v4Mapped, 1, 2, 3, 4, 0x26, 0x07),
      usual.slice(addressesAt + 2),
    );
    Buffer.from(other.buffer).writeUInt16BE(other.length - 3, 1);
    const [single] = deserializeMulti(joined(header(0, 1), other)).staticBackups;
    assert.ok(single);
    const plain = deserializeSingle(other);
    assert.equal(single.isInitiator, false);
    assert.deepEqual(plainSingle(single), plain);
    const written = serializeMulti({ version: 0, staticBackups: [single] });
    assert.deepEqual(written, joined(header(0, 1), serializeSingle(plain)));
    assert.equal(written.length, 5 + other.length - 1 - 12);
  });

  test("keeps two Singles with one outpoint, in their order", () => {
    const twins = [singleAt(low, 2), singleAt(low, 1)];
    const bytes = serializeMulti({ version: 0, staticBackups: [singleAt(high), ...twins] });
    assert.deepEqual(readSingles(bytes), [...twins, singleAt(high)]);
  });

  test("cut anywhere is refused, and with a byte too many", () => {
    const bytes = serializeMulti({ version: 0, staticBackups: [singleAt(low), singleAt(high)] });
    for (let size = 0; size < bytes.length; size++) {
      throwsScb(() => deserializeMulti(bytes.subarray(0, size)), "decode", /offset \d+/);
    }
    throwsScb(
      () => deserializeMulti(joined(bytes, header(0, 0))),
      "decode",
      /Multi: 5 bytes follow/,
    );
  });

  const one = serializeSingle(singleAt(low));
  const invalid: readonly (readonly [name: string, bytes: Uint8Array, message: RegExp])[] = [
    ["version 1", joined(header(1, 1), one), /a Multi of version 1.*offset 0/],
    ["a count of 2^32 - 1", joined(header(0, 0xffffffff), one), /4294967295 of at least 371 bytes/],
    ["a count of two for one", joined(header(0, 2), one), /2 of at least 371 bytes/],
    ["a count of none for one", joined(header(0, 0), one), /bytes follow/],
    [
      "a second channel of unknown version",
      joined(header(0, 2), one, new Uint8Array(one).fill(9, 0, 1)),
      /channel 2 of 2: version 9/,
    ],
  ];
  for (const [name, bytes, message] of invalid) {
    test(`refuses ${name}`, () => throwsScb(() => deserializeMulti(bytes), "decode", message));
  }

  test("a version other than 0 is not written", () => {
    const multi = { version: Number(1) as 0, staticBackups: [] };
    throwsScb(() => serializeMulti(multi), "encode", /a Multi of version 1/);
  });

  test("what cannot be written is named by its channel", () => {
    const bad = { ...singleAt(high), capacitySat: -1 };
    throwsScb(
      () => serializeMulti({ version: 0, staticBackups: [singleAt(low), bad] }),
      "encode",
      new RegExp(`channel ${high}\\.capacitySat`),
    );
  });

  test("versions are those of lnd", () => {
    assert.deepEqual(Object.values(singleVersions), [0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
