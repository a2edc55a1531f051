import { isIP } from "node:net";

export interface HostAndPort {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Parses `1.2.3.4:9735`, `[::1]:9735` or `host.example:9735`; null for anything else. */
export function parseHostAndPort(text: string): HostAndPort | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return null;
  return match?.[1] === undefined || isIP(host) === 6 ? { host, port } : null;
}

/** Formats an address so that `parseHostAndPort` can read it. */
export function formatHostAndPort({ host, port }: HostAndPort): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
