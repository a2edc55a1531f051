import type { BinaryReader } from "./binary-reader.ts";
import type { BinaryWriter } from "./binary-writer.ts";
import { type Codec, fixedBytes, struct, u16 } from "./codec.ts";
import type { NetAddress } from "./net-address.ts";

type HostAddress = Exclude<NetAddress, { kind: "opaque" }>;
type HostPort = Pick<HostAddress, "host" | "port">;

const hostName: Codec<Uint8Array> = {
  minSizeBytes: 1,
  read: (reader, what) => reader.bytes(reader.u8(`${what} length`), what),
  write(writer, value, what) {
    writer.u8(value.length, `${what} length`);
    writer.bytes(value, value.length, what);
  },
};

/** The type byte before an address: lnd `lnwire.addressType`. */
const hostTypes: readonly { type: number; kind: HostAddress["kind"]; codec: Codec<HostPort> }[] = [
  { type: 1, kind: "tcp4", codec: struct<HostPort>({ host: fixedBytes(4), port: u16 }) },
  { type: 2, kind: "tcp6", codec: struct<HostPort>({ host: fixedBytes(16), port: u16 }) },
  { type: 3, kind: "torV2", codec: struct<HostPort>({ host: fixedBytes(10), port: u16 }) },
  { type: 4, kind: "torV3", codec: struct<HostPort>({ host: fixedBytes(35), port: u16 }) },
  { type: 5, kind: "dns", codec: struct<HostPort>({ host: hostName, port: u16 }) },
];
const noAddressType = 0;
const byType = new Map(hostTypes.map((host) => [host.type, host]));
const byKind = new Map(hostTypes.map((host) => [host.kind, host]));

/**
 * A list of addresses, prefixed by its length in bytes (u16). As in lnd, addresses of type 0 are dropped
 * and an IPv4-mapped IPv6 address becomes an IPv4 address, so a list may be written back shorter than it
 * was read. When writing, an opaque address that isn't last swallows what follows it, as in lnd: callers
 * must put it last.
 */
export const netAddressListCodec: Codec<readonly NetAddress[]> = {
  minSizeBytes: 2,
  read(reader, what, layout) {
    const sizeBytes = reader.u16(`${what} length`);
    const section = reader.section(sizeBytes, what);
    const addresses: NetAddress[] = [];
    while (section.remainingBytes > 0) {
      const address = readAddress(section, `${what}[${addresses.length}]`, layout);
      if (address !== null) addresses.push(address);
    }
    return addresses;
  },
  write(writer, value, what, layout) {
    const at = writer.offset;
    writer.u16(0, what);
    for (const [index, address] of value.entries()) {
      writeAddress(writer, address, `${what}[${index}]`, layout);
    }
    // lnd truncates a longer list's length to 16 bits, and then can't read what it wrote.
    writer.replaceU16(at, writer.offset - at - 2, `${what} length`);
  },
};

function readAddress(reader: BinaryReader, what: string, layout: unknown): NetAddress | null {
  const type = reader.peek() ?? noAddressType;
  const host = byType.get(type);
  if (host === undefined && type !== noAddressType) {
    return { kind: "opaque", bytes: reader.bytes(reader.remainingBytes, what) };
  }
  reader.u8(what);
  if (host === undefined) return null;
  return unmapped({ kind: host.kind, ...host.codec.read(reader, what, layout) });
}

function writeAddress(
  writer: BinaryWriter,
  given: NetAddress,
  what: string,
  layout: unknown,
): void {
  if (given.kind === "opaque") {
    const type = given.bytes[0];
    if (type === undefined || type === noAddressType || byType.has(type)) {
      writer.fail(`${what}: an opaque address must begin with a type that lnd doesn't know`);
    }
    writer.bytes(given.bytes, given.bytes.length, what);
    return;
  }
  const address = unmapped(given);
  const host = byKind.get(address.kind);
  if (host === undefined) writer.fail(`${what}: an address of unknown kind`);
  writer.u8(host.type, what);
  host.codec.write(writer, address, what, layout);
}

/** Turns `::ffff:1.2.3.4` into `1.2.3.4` (lnd `WriteTCPAddr`, by way of Go's `net.IP.To4`). */
function unmapped(address: HostAddress): HostAddress {
  const { kind, host, port } = address;
  if (kind !== "tcp6" || host.length !== 16) return address;
  const isMapped = host.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 0xff));
  return isMapped ? { kind: "tcp4", host: host.slice(12), port } : address;
}
