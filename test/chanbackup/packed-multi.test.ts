import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { sortSingles } from "../../src/chanbackup/multi.ts";
import {
  emptyMultiSizeBytes,
  isEmptyMulti,
  packedMultiFlaw,
  packMulti,
  smallestPackedMultiSizeBytes,
  unpackMulti,
} from "../../src/chanbackup/packed-multi.ts";
import { packSingle, unpackSingle } from "../../src/chanbackup/packed-single.ts";
import { deserializeSingle } from "../../src/chanbackup/single-codec.ts";
import { throwsScb } from "../wire/throws.ts";
import { arbitraryMulti, arbitrarySingle } from "./arbitraries.ts";
import { fakeEncrypter } from "./fake-encrypter.ts";
import { lndSingles } from "./lnd-channel.ts";
import { plainSingle } from "./plain-single.ts";

const noAddresses = lndSingles.find(({ name }) => name === "no addresses")?.hex ?? "";
const smallest = deserializeSingle(Buffer.from(noAddresses, "hex"));

describe("PackedMulti", () => {
  test("is unpacked as it was packed", () => {
    fc.assert(
      fc.property(arbitraryMulti(), (multi) => {
        const packed = packMulti(multi, fakeEncrypter);
        assert.equal(packedMultiFlaw(packed), null);
        assert.ok(packed.length >= smallestPackedMultiSizeBytes(multi.staticBackups.length));
        assert.deepEqual(
          unpackMulti(packed, fakeEncrypter).staticBackups.map(plainSingle),
          sortSingles(multi.staticBackups),
        );
      }),
    );
  });

  test("without channels has 45 bytes, and only then", () => {
    const empty = packMulti({ version: 0, staticBackups: [] }, fakeEncrypter);
    assert.equal(emptyMultiSizeBytes, 45);
    assert.equal(empty.length, 45);
    assert.equal(isEmptyMulti(empty), true);
    assert.deepEqual(unpackMulti(empty, fakeEncrypter).staticBackups, []);
    const one = packMulti({ version: 0, staticBackups: [smallest] }, fakeEncrypter);
    assert.equal(isEmptyMulti(one), false);
  });

  test("the smallest one that lnd makes is as small as we say", () => {
    for (const channels of [0, 1, 2, 7]) {
      const staticBackups = Array.from({ length: channels }, (_, index) => ({
        ...smallest,
        fundingOutpoint: { ...smallest.fundingOutpoint, index },
      }));
      const packed = packMulti({ version: 0, staticBackups }, fakeEncrypter);
      assert.equal(packed.length, smallestPackedMultiSizeBytes(channels));
    }
  });

  const packed = packMulti({ version: 0, staticBackups: [smallest] }, fakeEncrypter);
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const hex = Buffer.from(packed).toString("hex");
  const base64 = Buffer.from(packed).toString("base64");
  const flaws: readonly (readonly [name: string, bytes: Uint8Array, message: RegExp])[] = [
    ["nothing", new Uint8Array(), /0 bytes.*45/],
    ["44 bytes", packed.slice(0, 44), /44 bytes.*45/],
    ["46 bytes", packed.slice(0, 46), /46 bytes.*at least 416/],
    ["415 bytes", packed.slice(0, 415), /415 bytes.*at least 416/],
    ["hex", text(hex), /hex text.*xxd/],
    ["hex in capitals with a line's end", text(`${hex.toUpperCase()}\r\n`), /hex text/],
    ["45 bytes of hex", text(hex.slice(0, 45)), /hex text/],
    ["base64", text(base64), /base64 text/],
    ["base64 in lines", text(`${base64.replaceAll(/.{76}/g, "$&\n")}\n`), /base64 text/],
    ["base64 for URLs", text(Buffer.from(packed).toString("base64url")), /base64 text/],
    ["JSON", text(JSON.stringify({ multi_chan_backup: base64 })), /JSON/],
    ["JSON with a name in Cyrillic", text(JSON.stringify({ alias: "узел".repeat(99) })), /JSON/],
    [
      "an error page",
      text(`<?xml version="1.0"?><Error>${"No! ".repeat(200)}</Error>`),
      /it is text/,
    ],
    ["zeros", new Uint8Array(2000), /zero bytes/],
  ];
  for (const [name, bytes, message] of flaws) {
    test(`${name}: is known for none without a key`, () => {
      assert.match(packedMultiFlaw(bytes) ?? "", message);
      throwsScb(() => unpackMulti(bytes, fakeEncrypter), "decode", message);
    });
  }

  test("random bytes of a good size pass: only a key tells more", () => {
    const bytes = Uint8Array.from({ length: 500 }, (_, at) => (at * 197 + 11) & 0xff);
    assert.equal(packedMultiFlaw(bytes), null);
    throwsScb(() => unpackMulti(bytes, fakeEncrypter), "decrypt", /fake/);
  });

  test("a packed Single is no Multi, and a packed Multi no Single", () => {
    throwsScb(
      () => unpackMulti(packSingle(smallest, fakeEncrypter), fakeEncrypter),
      "decode",
      /411/,
    );
    throwsScb(() => unpackSingle(packed, fakeEncrypter), "decode", /offset/);
  });
});

describe("a packed Single", () => {
  test("is unpacked as it was packed", () => {
    fc.assert(
      fc.property(arbitrarySingle, (single) => {
        assert.deepEqual(unpackSingle(packSingle(single, fakeEncrypter), fakeEncrypter), single);
      }),
    );
  });

  test("that is none is refused before it is decrypted", () => {
    throwsScb(() => unpackSingle(new Uint8Array(410), fakeEncrypter), "decode", /smallest has 411/);
    throwsScb(
      () => unpackSingle(new Uint8Array(411).fill(0x41), fakeEncrypter),
      "decode",
      /hex text/,
    );
  });
});
