/** The bytes of an IPv4 or IPv6 address or a Tor service. */
interface RawAddress<Kind extends string> {
  readonly kind: Kind;
  /** 4 bytes for `tcp4`, 16 for `tcp6`, 10 for `torV2`, 35 for `torV3`. */
  readonly host: Uint8Array;
  readonly port: number;
}

/**
 * Where a peer may be reached. The data comes from strangers: nothing here checks that a host name is
 * valid or a Tor checksum correct. Source: lnd `lnwire.ReadAddress`, `WriteElement`.
 */
export type NetAddress =
  | RawAddress<"tcp4" | "tcp6" | "torV2" | "torV3">
  /** The host name's bytes, at most 255, as received: perhaps empty, perhaps not even text. */
  | RawAddress<"dns">
  /**
   * An address of a type that lnd doesn't know. It has no length of its own, so everything after it in a
   * list belongs to it: `bytes` are the type and the rest, and must be written back unchanged.
   */
  | { readonly kind: "opaque"; readonly bytes: Uint8Array };

/**
 * `1.2.3.4:9735`, `[::1]:9735`, `….onion:9735`, `host.example:9735` or `opaque:hex`. A host name is
 * printed as received: escape it before it reaches a terminal.
 */
export function formatNetAddress(address: NetAddress): string {
  if (address.kind === "opaque") return `opaque:${Buffer.from(address.bytes).toString("hex")}`;
  const host = formatHost(address);
  // Go's net.JoinHostPort does the same, even for a host name that contains a colon.
  return host.includes(":") ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}

function formatHost({ kind, host }: Exclude<NetAddress, { kind: "opaque" }>): string {
  switch (kind) {
    case "tcp4":
      return host.join(".");
    case "tcp6":
      return formatIpv6(host);
    case "torV2":
    case "torV3":
      return `${base32(host)}.onion`;
    case "dns":
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(host);
  }
}

/** RFC 5952: no leading zeros, and `::` for the first of the longest runs of two or more zeros. */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, at) => (bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0),
  );
  let longest = { start: 0, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > longest.length) longest = { start, length };
  }
  const hex = (some: number[]): string => some.map((group) => group.toString(16)).join(":");
  if (longest.length < 2) return hex(groups);
  const after = longest.start + longest.length;
  return `${hex(groups.slice(0, longest.start))}::${hex(groups.slice(after))}`;
}

/** RFC 4648 in lower case; 10 and 35 bytes need no padding. */
function base32(bytes: Uint8Array): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  let text = "";
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += alphabet.charAt((bits >>> bitCount) & 31);
    }
  }
  return text;
}
