import { ScbError } from "../runtime/error.ts";
import { FieldPath } from "./field-path.ts";

interface Section {
  readonly start: number;
  readonly end: number;
  readonly path: FieldPath;
}

/**
 * Reads untrusted bytes from front to back. Checks that bytes exist before taking memory, so memory is
 * bounded by the input. Returns copies, so that the input can be changed or wiped afterwards.
 *
 * Every method takes `what`, the field's name, for errors. Each throws "decode" with that name, prefixed
 * by the names of the enclosing structures, and with the offset from the start of the whole input.
 */
export class BinaryReader {
  /** The structures being read. */
  readonly path: FieldPath;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #offset: number;

  /** Reads all of `bytes`, or a `section` of them. */
  constructor(bytes: Uint8Array, section?: Section) {
    // Never a Buffer: its slice() shares memory with the original.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#offset = section?.start ?? 0;
    this.#end = section?.end ?? bytes.length;
    this.path = section?.path ?? new FieldPath();
  }

  get offset(): number {
    return this.#offset;
  }

  get remainingBytes(): number {
    return this.#end - this.#offset;
  }

  u8(what: string): number {
    return this.#view.getUint8(this.#take(1, what));
  }

  u16(what: string): number {
    return this.#view.getUint16(this.#take(2, what));
  }

  u24(what: string): number {
    const at = this.#take(3, what);
    return this.#view.getUint16(at) * 0x100 + this.#view.getUint8(at + 2);
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what));
  }

  u64(what: string): bigint {
    return this.#view.getBigUint64(this.#take(8, what));
  }

  u16le(what: string): number {
    return this.#view.getUint16(this.#take(2, what), true);
  }

  u32le(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  i32le(what: string): number {
    return this.#view.getInt32(this.#take(4, what), true);
  }

  u64le(what: string): bigint {
    return this.#view.getBigUint64(this.#take(8, what), true);
  }

  i64le(what: string): bigint {
    return this.#view.getBigInt64(this.#take(8, what), true);
  }

  /** The next byte, without consuming it; undefined at the end. */
  peek(): number | undefined {
    return this.remainingBytes > 0 ? this.#bytes[this.#offset] : undefined;
  }

  /** The next `sizeBytes` bytes, as the caller's own copy. */
  bytes(sizeBytes: number, what: string): Uint8Array {
    const at = this.#take(sizeBytes, what);
    return this.#bytes.slice(at, at + sizeBytes);
  }

  /** Skips the next `sizeBytes` bytes. */
  skip(sizeBytes: number, what: string): void {
    this.#take(sizeBytes, what);
  }

  /**
   * A reader of the next `sizeBytes` bytes, which this reader skips. Both count offsets from the same
   * start.
   */
  section(sizeBytes: number, what: string): BinaryReader {
    const at = this.#take(sizeBytes, what);
    return new BinaryReader(this.#bytes, { start: at, end: at + sizeBytes, path: this.path });
  }

  /** Checks that `count` items of at least `minSizeBytes` each can still follow. */
  expectRoom(count: number | bigint, minSizeBytes: number, what: string): void {
    if (BigInt(count) * BigInt(minSizeBytes) > BigInt(this.remainingBytes)) {
      this.fail(
        `${what}: ${count} of at least ${minSizeBytes} bytes each are announced, but ${this.remainingBytes} bytes are left`,
      );
    }
  }

  /** Checks that nothing follows. */
  end(what: string): void {
    if (this.remainingBytes > 0) {
      this.fail(`${what}: ${this.remainingBytes} bytes follow where it should end`);
    }
  }

  /** Throws "decode". `at` is the offset of the offending bytes; the default is the current position. */
  fail(message: string, at = this.#offset): never {
    throw new ScbError("decode", `${this.path.prefix()}${message} (at offset ${at})`);
  }

  #take(sizeBytes: number, what: string): number {
    const at = this.#offset;
    if (sizeBytes > this.remainingBytes) {
      this.fail(`${what}: ${sizeBytes} bytes are needed, but ${this.remainingBytes} are left`);
    }
    this.#offset = at + sizeBytes;
    return at;
  }
}
