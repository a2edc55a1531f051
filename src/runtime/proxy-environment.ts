import { BlockList, isIP } from "node:net";
import { ScbError } from "./error.ts";

/** A proxy named in the environment. */
export interface NamedProxy {
  /** May hold a user and a password, so use it only for the connection. */
  readonly url: URL;
  /** For people, without credentials: `HOST:PORT (HTTPS_PROXY)`. */
  readonly name: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const variables = ["https_proxy", "http_proxy", "all_proxy"] as const;
const schemes = ["http:", "https:", "socks:", "socks4:", "socks4a:", "socks5:", "socks5h:"];

/** Whether any request goes through a proxy. Throws "usage" for an invalid proxy. */
export function namesProxy(environment: Environment): boolean {
  return variables.map((variable) => proxyIn(environment, variable)).some((it) => it !== null);
}

/**
 * The proxy for a request to `target`, as curl and Go programs read it from HTTPS_PROXY, HTTP_PROXY,
 * ALL_PROXY and NO_PROXY, lower case first; null for none. Anything but HTTP uses only ALL_PROXY.
 */
export function proxyFor(target: URL, environment: Environment): NamedProxy | null {
  const [, exempt = ""] = lookUp(environment, "no_proxy");
  if (exempt.split(/[\s,]+/).some((entry) => isMatch(entry.toLowerCase(), target))) return null;
  const own = target.protocol === "https:" ? "https_proxy" : "http_proxy";
  const isHttp = ["http:", "https:"].includes(target.protocol);
  return (isHttp ? proxyIn(environment, own) : null) ?? proxyIn(environment, "all_proxy");
}

function proxyIn(
  environment: Environment,
  lowerName: (typeof variables)[number],
): NamedProxy | null {
  const [variable, text] = lookUp(environment, lowerName);
  if (text === "") return null;
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  // Never quote the value, which may hold a password.
  if (url === null || !schemes.includes(url.protocol) || url.hostname === "") {
    throw new ScbError(
      "usage",
      `${variable} must be a proxy's address, such as http://HOST:3128 or socks5h://HOST:1080`,
    );
  }
  return { url, name: `${url.host} (${variable})` };
}

function lookUp(environment: Environment, lowerName: string): [name: string, value: string] {
  for (const name of [lowerName, lowerName.toUpperCase()]) {
    const value = environment[name]?.trim() ?? "";
    if (value !== "") return [name, value];
  }
  return [lowerName, ""];
}

/**
 * An entry is `*`, a host and its subdomains, an address, or an address range, optionally with a port.
 */
function isMatch(entry: string, target: URL): boolean {
  if (entry === "*") return true;
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  const targetPort = target.port || (target.protocol === "https:" ? "443" : "80");
  if (port !== undefined && port !== targetPort) return false;
  const host = target.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  // IPv6 without brackets has colons but no port.
  const named = (bracketed ?? plain ?? entry).replace(/^\*?\./, "");
  if (named === "") return false;
  return isIP(host) === 0
    ? host === named || host.endsWith(`.${named}`)
    : isWithin(host, named.split("/"));
}

function isWithin(host: string, [address = "", prefix]: readonly string[]): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const most = family === 6 ? 128 : 32;
  const bits = prefix === undefined ? most : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > most) return false;
  const range = new BlockList();
  range.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
  return range.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
}
