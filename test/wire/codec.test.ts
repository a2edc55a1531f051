import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BinaryReader } from "../../src/wire/binary-reader.ts";
import { BinaryWriter } from "../../src/wire/binary-writer.ts";
import { bool, struct, u16, u16Bytes, u32 } from "../../src/wire/codec.ts";
import { throwsScb } from "./throws.ts";

interface Sample {
  readonly first: number;
  readonly extra?: number;
  readonly last: number;
}

const sample = struct<Sample, { readonly hasExtra: boolean }>({
  first: u16,
  extra: { codec: u32, isPresent: ({ hasExtra }) => hasExtra },
  last: u16,
});

function write(value: Sample, hasExtra: boolean): string {
  const writer = new BinaryWriter();
  sample.write(writer, value, "sample", { hasExtra });
  return Buffer.from(writer.finish()).toString("hex");
}

describe("struct", () => {
  test("writes and reads in the order of its table", () => {
    assert.equal(write({ last: 3, first: 1 }, false), "00010003");
    assert.equal(write({ last: 3, extra: 2, first: 1 }, true), "0001000000020003");
    const reader = new BinaryReader(Buffer.from("0001000000020003", "hex"));
    assert.deepEqual(sample.read(reader, "sample", { hasExtra: true }), {
      first: 1,
      extra: 2,
      last: 3,
    });
  });

  test("counts only what is always there as its least size", () => {
    assert.equal(sample.minSizeBytes, 4);
  });

  test("names the path of the field that failed", () => {
    const reader = new BinaryReader(new Uint8Array(3));
    throwsScb(
      () => sample.read(reader, "sample", { hasExtra: false }),
      "decode",
      /^sample\.last: .*offset 2/,
    );
  });

  test("refuses an optional field that is due and missing, or given and not due", () => {
    throwsScb(() => write({ first: 1, last: 3 }, true), "encode", /^sample\.extra: is missing/);
    throwsScb(() => write({ first: 1, extra: 2, last: 3 }, false), "encode", /has no such field/);
  });
});

test("a boolean is true for 1 and false for any other byte", () => {
  const values = [0, 1, 2, 255].map((byte) =>
    bool.read(new BinaryReader(new Uint8Array([byte])), "flag", undefined),
  );
  assert.deepEqual(values, [false, true, false, false]);
});

test("bytes behind a length: no more than there are, no more than the length can say", () => {
  const reader = new BinaryReader(new Uint8Array([0, 3, 1, 2]));
  throwsScb(() => u16Bytes.read(reader, "sig", undefined), "decode", /sig: 3 bytes are needed/);
  const writer = new BinaryWriter();
  throwsScb(
    () => u16Bytes.write(writer, new Uint8Array(0x1_0000), "sig", undefined),
    "encode",
    /sig length: 65536/,
  );
});
