/**
 * - "away": the proxy can't be reached, or isn't a proxy.
 * - "credentials": it wants a user and a password, or different ones.
 * - "forbidden": its rules don't allow the connection.
 * - "unreached": it answered but couldn't reach the host.
 */
export type ProxyTroubleKind = "away" | "credentials" | "forbidden" | "unreached";

/**
 * Why a proxy made no connection. Nothing was sent beyond the proxy. Never keeps a foreign error as its
 * cause, because a proxy library's errors hold the proxy's password.
 */
export class ProxyTrouble extends Error {
  override readonly name = "ProxyTrouble";
  readonly kind: ProxyTroubleKind;
  /** What went wrong, without the proxy's name. */
  readonly reason: string;

  /** `proxy` names it for people, without credentials. */
  constructor(kind: ProxyTroubleKind, proxy: string, reason: string) {
    super(`the proxy ${proxy}: ${reason}`);
    this.kind = kind;
    this.reason = reason;
  }

  /** Translates an error of Node or of a proxy library while connecting. */
  static from(error: unknown, proxy: string): ProxyTrouble {
    if (error instanceof ProxyTrouble) return error;
    const { code = "", message } = readError(error);
    const [, reply] = /proxy rejected connection - \(?(\w+)/i.exec(message) ?? [];
    if (reply !== undefined) {
      const kind = reply === "NotAllowed" ? "forbidden" : "unreached";
      return new ProxyTrouble(kind, proxy, replies[reply] ?? "it could not reach the host");
    }
    if (/authentication failed|no accepted authentication/i.test(message)) {
      return new ProxyTrouble("credentials", proxy, wantsCredentials);
    }
    return new ProxyTrouble("away", proxy, reasons[code] ?? reasonOf(code, message));
  }

  /** Translates an HTTP proxy's answer to CONNECT; null if it made the connection. */
  static fromStatus(status: number, proxy: string): ProxyTrouble | null {
    if (status === 200) return null;
    // tinyproxy answers 401 to a wrong password.
    if (status === 407 || status === 401)
      return new ProxyTrouble("credentials", proxy, wantsCredentials);
    return status === 403 || status === 405
      ? new ProxyTrouble("forbidden", proxy, `it does not allow this connection (status ${status})`)
      : new ProxyTrouble("unreached", proxy, `it could not reach the host (status ${status})`);
  }
}

const wantsCredentials = "it wants a user name and a password, or rejects those given";

/** Keyed by the names that the package socks gives to the replies in RFC 1928, section 6. */
const replies: Readonly<Record<string, string>> = {
  Failure: "general failure",
  NotAllowed: "not allowed by its rules",
  NetworkUnreachable: "network unreachable",
  HostUnreachable: "host unreachable",
  ConnectionRefused: "connection refused",
  TTLExpired: "took too long",
};

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "it reset the connection",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "its host name can't be resolved now",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
};

function readError(error: unknown): { code?: string; message: string } {
  if (!(error instanceof Error)) return { message: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { code, message: error.message };
}

function reasonOf(code: string, message: string): string {
  if (/timed out/.test(message)) return "no answer in time";
  if (/closed|ended before/i.test(message)) return "it closed the connection";
  return code === "" ? "what answers there isn't such a proxy" : `no connection to it (${code})`;
}
