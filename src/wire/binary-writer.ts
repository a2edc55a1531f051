import { ScbError } from "../runtime/error.ts";
import { FieldPath } from "./field-path.ts";

/**
 * The counterpart of BinaryReader. Every method takes `what`, the field's name. If a value doesn't fit,
 * it throws "encode" with that name, prefixed by the names of the enclosing structures: nothing is ever
 * truncated or wrapped around.
 */
export class BinaryWriter {
  /** The structures being written. */
  readonly path = new FieldPath();
  #bytes: Uint8Array;
  #view: DataView;
  #offset = 0;

  /** `capacityBytes` is the expected size; the buffer grows beyond it. */
  constructor(capacityBytes = 512) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes have been written. */
  get offset(): number {
    return this.#offset;
  }

  u8(value: number, what: string): void {
    this.#checkUnsigned(value, 0xff, what);
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number, what: string): void {
    this.#checkUnsigned(value, 0xffff, what);
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
  }

  /** Replaces the u16 at offset `at`: a length that is known only after what follows it is written. */
  replaceU16(at: number, value: number, what: string): void {
    this.#checkUnsigned(value, 0xffff, what);
    this.#view.setUint16(at, value);
  }

  u24(value: number, what: string): void {
    this.#checkUnsigned(value, 0xff_ffff, what);
    const at = this.#grow(3);
    this.#view.setUint16(at, value >>> 8);
    this.#view.setUint8(at + 2, value & 0xff);
  }

  u32(value: number, what: string): void {
    this.#checkUnsigned(value, 0xffff_ffff, what);
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
  }

  u64(value: bigint, what: string): void {
    this.#checkFits(BigInt.asUintN(64, value) === value, value, "64 bits", what);
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value);
  }

  u16le(value: number, what: string): void {
    this.#checkUnsigned(value, 0xffff, what);
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
  }

  u32le(value: number, what: string): void {
    this.#checkUnsigned(value, 0xffff_ffff, what);
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  i32le(value: number, what: string): void {
    this.#checkFits((value | 0) === value, value, "32 bits with a sign", what);
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
  }

  i64le(value: bigint, what: string): void {
    this.#checkFits(BigInt.asIntN(64, value) === value, value, "64 bits with a sign", what);
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value, true);
  }

  /** `sizeBytes` is the format's size: other lengths are refused. */
  bytes(value: Uint8Array, sizeBytes: number, what: string): void {
    if (value.length !== sizeBytes) {
      this.fail(`${what}: ${value.length} bytes instead of ${sizeBytes}`);
    }
    const at = this.#grow(sizeBytes);
    this.#bytes.set(value, at);
  }

  /** Returns all bytes written, without copying them. The writer can't be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#offset);
  }

  fail(message: string): never {
    throw new ScbError("encode", `${this.path.prefix()}${message}`);
  }

  #checkUnsigned(value: number, max: number, what: string): void {
    if (value >>> 0 === value && value <= max) return;
    this.#failRange(value, `an integer from 0 to ${max}`, what);
  }

  #checkFits(fits: boolean, value: number | bigint, range: string, what: string): void {
    if (!fits) this.#failRange(value, range, what);
  }

  #failRange(value: number | bigint, range: string, what: string): never {
    this.fail(`${what}: ${value} does not fit: the format holds ${range}`);
  }

  /** May replace the view, so read `#view` only after this. */
  #grow(sizeBytes: number): number {
    const at = this.#offset;
    const end = at + sizeBytes;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#offset = end;
    return at;
  }
}
