import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BinaryReader } from "../../src/wire/binary-reader.ts";
import { BinaryWriter } from "../../src/wire/binary-writer.ts";
import { throwsScb } from "./throws.ts";

describe("BinaryReader", () => {
  test("reads integers in both byte orders", () => {
    const reader = new BinaryReader(Buffer.from(`01${"0102030405060708".repeat(4)}`, "hex"));
    assert.equal(reader.u8("a"), 1);
    assert.equal(reader.u64("b"), 0x0102030405060708n);
    assert.equal(reader.u24("c"), 0x010203);
    assert.equal(reader.u32("d"), 0x04050607);
    assert.equal(reader.u8("e"), 8);
    assert.equal(reader.u16("f"), 0x0102);
    assert.equal(reader.u16le("g"), 0x0403);
    assert.equal(reader.u32le("h"), 0x08070605);
    assert.equal(reader.i64le("i"), 0x0807060504030201n);
    reader.end("all");
  });

  test("names the field, the offset and what is left", () => {
    const reader = new BinaryReader(new Uint8Array(5));
    reader.u24("head");
    throwsScb(
      () => reader.u32("fee"),
      "decode",
      /fee: 4 bytes are needed, but 2 are left \(at offset 3\)/,
    );
  });

  test("a failed read takes nothing", () => {
    const reader = new BinaryReader(new Uint8Array([7]));
    throwsScb(() => reader.u16("pair"), "decode", /offset 0/);
    assert.equal(reader.u8("one"), 7);
  });

  test("bytes are copies, also of a Buffer, and plain Uint8Arrays", () => {
    const input = Buffer.from([1, 2, 3]);
    const taken = new BinaryReader(input).bytes(3, "all");
    input.fill(9);
    assert.deepEqual(taken, new Uint8Array([1, 2, 3]));
    assert.equal(Object.getPrototypeOf(taken), Uint8Array.prototype);
  });

  test("reads a view into a larger buffer", () => {
    const view = new Uint8Array([9, 9, 1, 2, 9]).subarray(2, 4);
    const reader = new BinaryReader(view);
    assert.equal(reader.u16("both"), 0x0102);
    reader.end("view");
  });

  test("a section ends where it was said to, and counts from the start of all", () => {
    const reader = new BinaryReader(new Uint8Array(10));
    reader.u8("head");
    const section = reader.section(3, "part");
    section.u16("first");
    throwsScb(() => section.u16("second"), "decode", /1 are left \(at offset 3\)/);
    assert.equal(reader.offset, 4);
    throwsScb(
      () => reader.section(7, "more"),
      "decode",
      /more: 7 bytes are needed, but 6 are left/,
    );
  });

  test("refuses counts for which there is no room, and trailing bytes", () => {
    const reader = new BinaryReader(new Uint8Array(10));
    reader.expectRoom(5, 2, "items");
    throwsScb(() => reader.expectRoom(6, 2, "items"), "decode", /items: 6 of at least 2 bytes/);
    throwsScb(() => reader.expectRoom(2n ** 63n, 2, "items"), "decode", /9223372036854775808/);
    throwsScb(() => reader.end("all"), "decode", /all: 10 bytes follow/);
  });
});

describe("BinaryWriter", () => {
  test("mirrors the reader", () => {
    const writer = new BinaryWriter();
    writer.u8(1, "a");
    writer.u16(0x0203, "b");
    writer.u24(0x040506, "c");
    writer.u32(0xfffefdfc, "d");
    writer.u64(2n ** 64n - 2n, "e");
    writer.u16le(0x0203, "f");
    writer.u32le(0xfffefdfc, "g");
    writer.i32le(-2, "h");
    writer.i64le(-2n, "i");
    writer.bytes(new Uint8Array([1, 2]), 2, "j");
    const hex =
      "01 0203 040506 fffefdfc fffffffffffffffe 0302 fcfdfeff feffffff feffffffffffffff 0102";
    assert.equal(Buffer.from(writer.finish()).toString("hex"), hex.replaceAll(" ", ""));
  });

  test("grows beyond its first buffer", () => {
    const writer = new BinaryWriter();
    const large = new Uint8Array(5000).fill(3);
    writer.u8(1, "head");
    writer.bytes(large, 5000, "large");
    writer.u32(5, "tail");
    assert.deepEqual(writer.finish(), new Uint8Array([1, ...large, 0, 0, 0, 5]));
  });

  const tooLarge: readonly [string, (writer: BinaryWriter) => void][] = [
    ["u8 256", (writer) => writer.u8(256, "field")],
    ["u16 -1", (writer) => writer.u16(-1, "field")],
    ["u16 65536", (writer) => writer.u16(0x1_0000, "field")],
    ["u24 2^24", (writer) => writer.u24(2 ** 24, "field")],
    ["u32 2^32", (writer) => writer.u32(2 ** 32, "field")],
    ["u32 1.5", (writer) => writer.u32(1.5, "field")],
    ["u32 NaN", (writer) => writer.u32(Number.NaN, "field")],
    ["u64 2^64", (writer) => writer.u64(2n ** 64n, "field")],
    ["u64 -1", (writer) => writer.u64(-1n, "field")],
    ["u16le 65536", (writer) => writer.u16le(0x1_0000, "field")],
    ["u32le -1", (writer) => writer.u32le(-1, "field")],
    ["i32le 2^31", (writer) => writer.i32le(2 ** 31, "field")],
    ["i64le 2^63", (writer) => writer.i64le(2n ** 63n, "field")],
    ["bytes of another length", (writer) => writer.bytes(new Uint8Array(3), 2, "field")],
  ];
  for (const [name, act] of tooLarge) {
    test(`refuses ${name}`, () => {
      throwsScb(() => act(new BinaryWriter()), "encode", /^field: /);
    });
  }
});
