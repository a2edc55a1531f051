import type { BinaryReader } from "./binary-reader.ts";
import type { BinaryWriter } from "./binary-writer.ts";
import type { Codec } from "./codec.ts";

/**
 * Bitcoin's integer of 1, 3, 5 or 9 bytes. Longer encodings than needed are refused (btcd `ReadVarInt`).
 */
export function readVarint(reader: BinaryReader, what: string): bigint {
  const at = reader.offset;
  const first = reader.u8(what);
  if (first < 0xfd) return BigInt(first);
  const [value, smallest] =
    first === 0xfd
      ? [BigInt(reader.u16le(what)), 0xfdn]
      : first === 0xfe
        ? [BigInt(reader.u32le(what)), 0x1_0000n]
        : [reader.u64le(what), 0x1_0000_0000n];
  if (value < smallest) reader.fail(`${what}: ${value} is written in more bytes than it needs`, at);
  return value;
}

/** `value` is the length of something in memory, so it is below 2^32. */
export function writeVarint(writer: BinaryWriter, value: number, what: string): void {
  if (value < 0xfd) {
    writer.u8(value, what);
  } else if (value <= 0xffff) {
    writer.u8(0xfd, what);
    writer.u16le(value, what);
  } else {
    writer.u8(0xfe, what);
    writer.u32le(value, what);
  }
}

/** Bytes prefixed by their length as varint, at most `maxSizeBytes`. */
export function varBytes(maxSizeBytes: number): Codec<Uint8Array> {
  return {
    minSizeBytes: 1,
    read(reader, what) {
      const at = reader.offset;
      const sizeBytes = readVarint(reader, `${what} length`);
      if (sizeBytes > maxSizeBytes) reader.fail(tooMany(what, sizeBytes, maxSizeBytes), at);
      return reader.bytes(Number(sizeBytes), what);
    },
    write(writer, value, what) {
      if (value.length > maxSizeBytes) writer.fail(tooMany(what, value.length, maxSizeBytes));
      writeVarint(writer, value.length, `${what} length`);
      writer.bytes(value, value.length, what);
    },
  };
}

/** Items prefixed by their count as varint, at most `maxCount`. */
export function varList<T>(item: Codec<T>, maxCount: number): Codec<readonly T[]> {
  return {
    minSizeBytes: 1,
    read(reader, what, layout) {
      const at = reader.offset;
      const count = readVarint(reader, `${what} count`);
      if (count > maxCount) reader.fail(tooMany(what, count, maxCount), at);
      reader.expectRoom(count, item.minSizeBytes, what);
      return Array.from({ length: Number(count) }, (_, index) =>
        item.read(reader, `${what}[${index}]`, layout),
      );
    },
    write(writer, value, what, layout) {
      if (value.length > maxCount) writer.fail(tooMany(what, value.length, maxCount));
      writeVarint(writer, value.length, `${what} count`);
      for (const [index, one] of value.entries()) {
        item.write(writer, one, `${what}[${index}]`, layout);
      }
    },
  };
}

function tooMany(what: string, count: number | bigint, max: number): string {
  return `${what}: ${count} is more than the ${max} that lnd takes`;
}
