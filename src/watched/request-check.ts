import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Why a request is rejected. */
export interface Rejection {
  readonly status: 400 | 403 | 405 | 421;
  readonly text: string;
}

/**
 * Decides whether a request may be answered; null if it may. A web page in somebody's browser must not read
 * this server: neither with cross-site requests, nor under a name of its own that it has pointed at this
 * machine (DNS rebinding). An IP address can't be pointed elsewhere, so any is accepted as `Host`.
 */
export function rejectionOf(
  { method, headers }: Pick<IncomingMessage, "method" | "headers">,
  allowedHosts: readonly string[],
): Rejection | null {
  if (method !== "GET" && method !== "HEAD") {
    return { status: 405, text: "only GET and HEAD are allowed" };
  }
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) {
    return { status: 400, text: "a request must not have a body" };
  }
  const { host = "" } = headers;
  const name = hostName(host);
  if (name === null) return { status: 400, text: "the Host header isn't a host" };
  if (isIP(name) === 0 && name !== "localhost" && !allowedHosts.includes(name)) {
    const text =
      "this host name isn't allowed: use an IP address or localhost, or allow the name with --listen-host";
    return { status: 421, text };
  }
  const site = headers["sec-fetch-site"];
  const isForeign = site !== undefined && site !== "same-origin" && site !== "none";
  if (isForeign || !isOwnOrigin(headers.origin, host)) {
    const text =
      "requests from another site's page aren't answered: open this address in a new tab";
    return { status: 403, text };
  }
  return null;
}

/** In lower case, without port and brackets; null if it isn't a host. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253}))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "") ?? null;
}

/** A proxy in front may speak TLS, so the scheme doesn't count. */
function isOwnOrigin(origin: string | undefined, host: string): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}
