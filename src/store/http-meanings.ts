import { type ErrorCode, ScbError } from "../runtime/error.ts";

/** What an answer, or its absence, means for a request. */
export interface Meaning {
  readonly code: ErrorCode;
  /** The meaning and the remedy, as a clause. */
  readonly says: string;
}

/** What is known about a request without an answer. */
export interface Unanswered {
  /** The service's or the system's (`ECONNREFUSED`). */
  readonly code: string;
  readonly name: string;
  readonly text: string;
  readonly syscall: string | undefined;
  /** Every attempt of one connect failed (a host's addresses are tried in turn). */
  readonly isConnectFailure: boolean;
}

/** System codes that can occur only before a request was sent. */
const neverReached: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: is the store running, and the endpoint right?",
  ENOTFOUND: "the host name is not known: check the endpoint and the network",
  EAI_AGAIN: "host names can't be looked up now: check the network",
  EHOSTUNREACH: "the host can't be reached: check the network",
  ENETUNREACH: "the network can't be reached: check it",
  ENETDOWN: "the network is down",
  EADDRNOTAVAIL: "no local address or port is free",
};

const certificateCode =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH$)/;

/** The meaning of an HTTP status about which the service said nothing more specific. */
export function meaningOfStatus(status: number, said: string): Meaning {
  switch (status) {
    case 412:
      return { code: "store-precondition", says: `the condition did not hold (${said})` };
    case 401:
    case 403:
      return {
        code: "store-denied",
        says: `these credentials may not do this: check them and their policy (${said})`,
      };
    case 507:
      return { code: "store-busy", says: `the store's disk is full: free some space (${said})` };
    case 409:
    case 429:
    case 503:
      return { code: "store-busy", says: `the store asks to come back later (${said})` };
    default:
      return status === 501 || (status < 500 && status >= 300 && status !== 408)
        ? { code: "store-rejected", says: `the store refuses this request (${said})` }
        : {
            code: "store-unknown",
            says: `the store failed (${said}): it isn't known whether it was done`,
          };
  }
}

/** The meaning of a missing answer: whether the request can have arrived. */
export function meaningWithoutAnswer(failure: Unanswered): Meaning {
  const { code, name, text, syscall, isConnectFailure } = failure;
  const busy = (says: string): Meaning => ({ code: "store-busy", says });
  const unknown = (says: string): Meaning => ({ code: "store-unknown", says });
  const reason = neverReached[code];
  if (reason !== undefined) return busy(`${reason} (${code})`);
  if (isConnectFailure || syscall === "connect" || isConnectTimeout(name, text)) {
    return busy(`no connection could be made (${code}): check the endpoint and the network`);
  }
  if (certificateCode.test(code)) {
    return busy(
      `the store's certificate is not trusted (${code}): check the endpoint, or name your own authority in NODE_EXTRA_CA_CERTS`,
    );
  }
  if (text.includes("wrong version number")) {
    return busy("nothing speaks TLS there: use http:// in the endpoint, or the right port");
  }
  if (name === "TimeoutError" && code !== "ECONNRESET" && code !== "EPIPE") {
    return unknown("no answer came in time: it isn't known whether it was done");
  }
  return unknown(`the connection broke (${code}): it isn't known whether it was done`);
}

/** Smithy's handler gives its connect timeout no code, and unrecognised it would count as "unknown". */
function isConnectTimeout(name: string, text: string): boolean {
  return name === "TimeoutError" && text.includes("did not establish a connection");
}

/** The error for an operation out of time. `source` says where credentials could have come from. */
export function lateError(doing: string, isSent: boolean, source: string): ScbError {
  return isSent
    ? new ScbError(
        "store-unknown",
        `cannot ${doing}: the answer was not complete in time: it isn't known whether it was done`,
      )
    : new ScbError("store-busy", `cannot ${doing}: no credentials came in time: check ${source}`);
}
