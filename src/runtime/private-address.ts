import { lookup as lookUp } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { abortable } from "./abort.ts";

const ranges: readonly (readonly [network: string, bits: number, family: "ipv4" | "ipv6"])[] = [
  ["127.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["::1", 128, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
];
const privateRanges = new BlockList();
for (const range of ranges) privateRanges.addSubnet(...range);

/** Whether an IP address is this machine's own or in a private network: RFC 1918, 3927, 4193, 4291. */
export function isPrivateAddress(address: string): boolean {
  return privateRanges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/**
 * The address of a host, which may itself be an address. IPv6 without brackets. Throws what Node throws.
 */
export async function addressOf(host: string, signal?: AbortSignal): Promise<string> {
  if (isIP(host) !== 0) return host;
  return (await abortable(lookUp(host), signal)).address;
}
