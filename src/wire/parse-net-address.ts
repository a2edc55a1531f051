import { isIPv4, isIPv6 } from "node:net";
import { ScbError } from "../runtime/error.ts";
import type { NetAddress } from "./net-address.ts";

const defaultPort = 9735;
const torV2SizeBytes = 10;
const torV3SizeBytes = 35;
const longestNameSizeBytes = 255;

/**
 * Parses an address as nodes print it: `1.2.3.4:9735`, `[::1]:9735`, `….onion:9735`, `host.example:9735`.
 * The default port is 9735. The inverse of `formatNetAddress`, except for opaque addresses. Throws
 * "decode".
 */
export function parseNetAddress(text: string): NetAddress {
  const [, inBrackets, plain, digits] =
    /^(?:\[([^[\]\s]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const name = inBrackets ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  // `formatNetAddress` writes opaque addresses with this prefix, which isn't a host name.
  if (name === undefined || name === "opaque" || port > 0xffff) throw notAddress(text);
  if (inBrackets !== undefined) {
    if (!isIPv6(name) || name.includes("%")) throw notAddress(text);
    return { kind: "tcp6", host: ipv6Bytes(name), port };
  }
  if (isIPv4(name)) return { kind: "tcp4", host: Uint8Array.from(name.split("."), Number), port };
  if (/\.onion$/i.test(name)) return { ...onion(name, text), port };
  const host = new TextEncoder().encode(name);
  if (host.length > longestNameSizeBytes) throw notAddress(text);
  return { kind: "dns", host, port };
}

function ipv6Bytes(text: string): Uint8Array {
  // The URL standard has one spelling for each address: groups in hex, including an IPv4 part.
  const [left = "", right] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(left), groups(right ?? "")];
  const zeros = new Array<string>(8 - before.length - after.length).fill("0");
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

function onion(name: string, text: string): { kind: "torV2" | "torV3"; host: Uint8Array } {
  const letters = name.toLowerCase().slice(0, -".onion".length);
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const bits = Array.from(letters, (letter) => {
    const value = alphabet.indexOf(letter);
    if (value < 0) throw notAddress(text);
    return value.toString(2).padStart(5, "0");
  }).join("");
  const host = Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
  if (bits.length % 8 !== 0) throw notAddress(text);
  if (host.length === torV3SizeBytes) return { kind: "torV3", host };
  if (host.length === torV2SizeBytes) return { kind: "torV2", host };
  throw notAddress(text);
}

function notAddress(text: string): ScbError {
  return new ScbError(
    "decode",
    `${JSON.stringify(text)} is not an address: write 1.2.3.4:9735, [::1]:9735, NAME.onion:9735 or host.example:9735`,
  );
}
