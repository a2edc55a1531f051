/** How a client learns that no answer comes: the connection breaks, or its timeout expires. */
export type Silence = "reset" | "timeout";

/** What happens to one request on its way to the bucket and back. */
export type Fate =
  | { readonly kind: "fine" }
  /** It never arrives. */
  | { readonly kind: "lost"; readonly silence: Silence }
  /** The bucket acts, and its answer does not come back. */
  | { readonly kind: "answer-lost"; readonly silence: Silence }
  /** It arrives long after the client was told that there is no answer. */
  | { readonly kind: "late"; readonly silence: Silence; readonly byMs: number }
  /** 409, 429 or 503: it is not done. */
  | { readonly kind: "turned-away" }
  /** 403: these credentials may not do it, until a person changes that. */
  | { readonly kind: "denied" }
  /** 503, from an intermediary that doesn't know that the bucket has acted. */
  | { readonly kind: "busy-though-done" }
  /** 500: something broke in the store, before it acted or after. */
  | { readonly kind: "broken"; readonly isDone: boolean }
  /** It arrives twice, and the answer is that of the first or of the second arrival. */
  | { readonly kind: "doubled"; readonly byMs: number; readonly answer: "first" | "second" };

export const fine: Fate = { kind: "fine" };

/** The longest that a request can be in flight: a store refuses an older signature. */
export const longestFlightMs = 15 * 60_000;

export const requestTimeoutMs = 10_000;
