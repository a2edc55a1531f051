import type { BinaryReader } from "./binary-reader.ts";
import type { BinaryWriter } from "./binary-writer.ts";

/**
 * How a value of type `T` is encoded in bytes, in both directions. `what` names the value in errors.
 * `layout` is what the bytes themselves don't say, such as the version that was read before.
 */
export interface Codec<T, L = unknown> {
  /** The least size of any value, which bounds a count before memory is taken. */
  readonly minSizeBytes: number;
  /** Every value takes exactly `minSizeBytes`. */
  readonly isFixedSize?: true;
  read(reader: BinaryReader, what: string, layout: L): T;
  write(writer: BinaryWriter, value: T, what: string, layout: L): void;
  /** Copies a value without keeping it. Default: reads and writes the value. */
  copy?(reader: BinaryReader, writer: BinaryWriter, what: string, layout: L): void;
}

/** A field that only some layouts have. */
export interface OptionalField<T, L> {
  readonly codec: Codec<T, L>;
  readonly isPresent: (layout: L) => boolean;
}

/** One codec for each property of `T`, so that none can be forgotten or invented. */
export type Fields<T, L> = {
  readonly [K in keyof T]-?: undefined extends T[K]
    ? OptionalField<Exclude<T[K], undefined>, L>
    : Codec<T[K], L>;
};

export const u16: Codec<number> = {
  minSizeBytes: 2,
  isFixedSize: true,
  read: (reader, what) => reader.u16(what),
  write: (writer, value, what) => writer.u16(value, what),
};

export const u24: Codec<number> = {
  minSizeBytes: 3,
  isFixedSize: true,
  read: (reader, what) => reader.u24(what),
  write: (writer, value, what) => writer.u24(value, what),
};

export const u32: Codec<number> = {
  minSizeBytes: 4,
  isFixedSize: true,
  read: (reader, what) => reader.u32(what),
  write: (writer, value, what) => writer.u32(value, what),
};

export const u64: Codec<bigint> = {
  minSizeBytes: 8,
  isFixedSize: true,
  read: (reader, what) => reader.u64(what),
  write: (writer, value, what) => writer.u64(value, what),
};

/** As lnd reads it: 1 is true, every other byte is false. */
export const bool: Codec<boolean> = {
  minSizeBytes: 1,
  isFixedSize: true,
  read: (reader, what) => reader.u8(what) === 1,
  write: (writer, value, what) => writer.u8(value ? 1 : 0, what),
};

/** Exactly `sizeBytes` bytes. */
export function fixedBytes(sizeBytes: number): Codec<Uint8Array> {
  return {
    minSizeBytes: sizeBytes,
    isFixedSize: true,
    read: (reader, what) => reader.bytes(sizeBytes, what),
    write: (writer, value, what) => writer.bytes(value, sizeBytes, what),
  };
}

/** Up to 65,535 bytes, prefixed by their length as u16. */
export const u16Bytes: Codec<Uint8Array> = {
  minSizeBytes: 2,
  read: (reader, what) => reader.bytes(reader.u16(`${what} length`), what),
  write(writer, value, what) {
    writer.u16(value.length, `${what} length`);
    writer.bytes(value, value.length, what);
  },
};

/** A codec that can also read a single property. */
export interface StructCodec<T, L = unknown> extends Codec<T, L> {
  copy(reader: BinaryReader, writer: BinaryWriter, what: string, layout: L): void;
  /** Reads the property `name` of a value that was validated before. */
  readField<K extends keyof T & string>(reader: BinaryReader, name: K, layout: L): T[K];
}

/**
 * An object whose properties follow one another in the order of `fields`. Reader and writer both walk
 * this one table, so they can't diverge. Writing refuses a value with an optional field that its layout
 * lacks, or without one that its layout has.
 */
export function struct<T extends object, L = unknown>(fields: Fields<T, L>): StructCodec<T, L> {
  const entries = Object.entries<Codec<unknown, L> | OptionalField<unknown, L>>(fields).map(
    ([name, field]) => {
      const isOptional = "codec" in field;
      return {
        name,
        codec: isOptional ? field.codec : field,
        isPresent: isOptional ? field.isPresent : undefined,
      };
    },
  );
  const isFixedSize = entries.every(
    ({ codec, isPresent }) => codec.isFixedSize === true && isPresent === undefined,
  );
  return {
    minSizeBytes: entries.reduce(
      (sum, { codec, isPresent }) => sum + (isPresent === undefined ? codec.minSizeBytes : 0),
      0,
    ),
    ...(isFixedSize ? { isFixedSize } : {}),
    read(reader, what, layout) {
      const value: Record<string, unknown> = {};
      reader.path.enter(what);
      for (const { name, codec, isPresent } of entries) {
        if (isPresent !== undefined && !isPresent(layout)) continue;
        value[name] = codec.read(reader, name, layout);
      }
      reader.path.leave();
      return value as T;
    },
    copy(reader, writer, what, layout) {
      reader.path.enter(what);
      for (const { name, codec, isPresent } of entries) {
        if (isPresent !== undefined && !isPresent(layout)) continue;
        if (codec.copy !== undefined) codec.copy(reader, writer, name, layout);
        else codec.write(writer, codec.read(reader, name, layout), name, layout);
      }
      reader.path.leave();
    },
    readField<K extends keyof T & string>(reader: BinaryReader, field: K, layout: L): T[K] {
      for (const { name, codec, isPresent } of entries) {
        const isHere = isPresent === undefined || isPresent(layout);
        // By the type of `fields`, only a property that may be undefined can be absent.
        if (name === field) return (isHere ? codec.read(reader, name, layout) : undefined) as T[K];
        if (!isHere) continue;
        if (codec.isFixedSize === true) reader.skip(codec.minSizeBytes, name);
        else codec.read(reader, name, layout);
      }
      return reader.fail(`${field}: there is no such field`);
    },
    write(writer, value, what, layout) {
      writer.path.enter(what);
      for (const { name, codec, isPresent } of entries) {
        const field: unknown = value[name as keyof T];
        if (isPresent !== undefined && !isPresent(layout)) {
          if (field === undefined) continue;
          writer.fail(`${name}: is given, but this version has no such field`);
        }
        if (field === undefined) writer.fail(`${name}: is missing`);
        codec.write(writer, field, name, layout);
      }
      writer.path.leave();
    },
  };
}
