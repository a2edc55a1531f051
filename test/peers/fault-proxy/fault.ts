/** How a client loses an answer: its connection breaks, or it waits until its own timeout. */
export type Loss = "reset" | "hang";

/**
 * What happens to one request on its way to the store, and to the answer on its way back.
 *
 * A refusal with 5xx may be the store's own, sent before it has acted ("refuse"), or come after it
 * has ("fail-after"): S3 promises nothing about which.
 */
export type Fault =
  | { readonly kind: "pass" }
  /** The request never reaches the store. */
  | { readonly kind: "lose-request"; readonly how: Loss }
  /** The store acts, and its answer is lost. */
  | { readonly kind: "lose-answer"; readonly how: Loss }
  /** Answered in the store's name; it never hears of the request. */
  | { readonly kind: "refuse"; readonly with: S3Refusal }
  /** The store acts, and the client is told this. */
  | { readonly kind: "fail-after"; readonly with: S3Refusal }
  /** The connection breaks when half of the request's body has reached the store. */
  | { readonly kind: "cut-request" }
  /** The store acts, and half of the answer's body comes through. */
  | { readonly kind: "cut-answer"; readonly framing: "content-length" | "chunked" | "none" }
  /** Half of the time on the way to the store, half on the way back. */
  | { readonly kind: "slow"; readonly ms: number; readonly jitterMs: number }
  /** Both bodies pass through a slow connection. */
  | { readonly kind: "trickle"; readonly bytesPerSecond: number }
  /** The client is told 504, or left waiting; the store hears of the request only after `ms`. */
  | { readonly kind: "late"; readonly ms: number; readonly tell: "504" | "nothing" }
  /** Delivered twice, in succession; the client gets this one of the two answers. */
  | { readonly kind: "twice"; readonly tell: "first" | "second" };

/** The refusals that S3 documents for a valid request. */
export const s3Refusals = {
  SlowDown: { status: 503, message: "Please reduce your request rate." },
  ServiceUnavailable: { status: 503, message: "Service is unable to handle request." },
  TooManyRequests: { status: 429, message: "Please reduce your request rate." },
  ConditionalRequestConflict: {
    status: 409,
    message: "A conflicting conditional operation is currently in progress against this resource.",
  },
  InternalError: { status: 500, message: "We encountered an internal error. Please try again." },
  GatewayTimeout: { status: 504, message: "The upstream server did not answer in time." },
  RequestTimeTooSkewed: {
    status: 403,
    message: "The difference between the request time and the server's time is too large.",
  },
  InvalidAccessKeyId: {
    status: 403,
    message: "The Access Key Id you provided does not exist in our records.",
  },
} as const;

export type S3Refusal = keyof typeof s3Refusals;

/** A name for tables and messages: `cut-answer chunked`. */
export function faultName(fault: Fault): string {
  const { kind, ...how } = fault;
  return [kind, ...Object.values(how)].join(" ");
}
