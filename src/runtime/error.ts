/**
 * Everything that can go wrong, as a closed list. A code tells a caller what it can do; the message says
 * what happened, to what, and what a person should do.
 */
export const errorCodes = [
  // the caller
  "usage", // wrong flags or configuration
  "aborted", // an AbortSignal asked to stop
  "caller", // code of the library's user (a Swapper, a channel) failed
  "internal", // a defect in scb-mirror

  // messages
  "undelivered", // a message or heartbeat isn't known to have reached its receiver

  // bytes and keys
  "decode", // these bytes aren't what they should be
  "encode", // a value that the format can't hold
  "decrypt", // authentication failed: wrong key or damaged bytes
  "key", // an unusable seed, extended key or backup key

  // local files
  "io", // reading or writing a local file failed
  "exists", // a file already exists and would be overwritten

  // the store, as `ObjectStore` promises
  "store-precondition", // the condition did not hold; nothing was written
  "store-missing", // a conditional replace of an object that doesn't exist; nothing was written
  "store-busy", // told to come back later, or never reached: nothing is known to have landed
  "store-unknown", // sent, but no answer says whether it landed
  "store-denied", // these credentials may not do this
  "store-no-bucket", // the bucket or folder doesn't exist
  "store-clock", // the store refuses because this machine's clock is off
  "store-rejected", // the store will never take this request
  "store-too-large", // the object is larger than its reader allows; nothing else is known about it

  // the mirror
  "superseded", // another writer moved the pointer: take a new base and a new snapshot
  "refused", // a guard refused a candidate
  "went-back", // the store lost what this process had committed: someone restored an older folder
  "store-lies", // the store doesn't enforce conditional writes
  "pointer-lost", // versions exist, but no pointer
  "pointer-damaged", // the pointer isn't JSON, or not of a known schema
  "version-damaged", // a version is gone, or its bytes aren't those that the pointer names
  "not-found", // no such version, no backup yet
  "wrong-node", // the store's folder belongs to another node or network

  // the node
  "node-unavailable", // can't be reached, or stopped answering
  "node-untrusted", // its certificate isn't the trusted one
  "node-denied", // the macaroon doesn't permit this, or isn't a macaroon
  "node-locked", // its wallet is locked, or doesn't exist yet
  "node-syncing", // starting, or not yet in sync with the chain
] as const;

/** One of `errorCodes`. */
export type ErrorCode = (typeof errorCodes)[number];

/**
 * The only error class that leaves a module. Foreign errors are translated once, where they enter, and
 * kept as `cause`. Neither the message nor other fields ever hold a secret.
 */
export class ScbError extends Error {
  readonly code: ErrorCode;
  override readonly name = "ScbError";

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Wraps an error from code that the library's user gave; `what` names that code. */
  static ofCaller(error: unknown, what: string): ScbError {
    const known = ScbError.from(error);
    if (known.code !== "internal" || known === error) return known;
    const text = error instanceof Error ? error.message : String(error);
    return new ScbError("caller", `${what} failed: ${text}`, { cause: error });
  }

  /** Wraps an error from anywhere. Anything but our own errors and aborts is a defect. */
  static from(error: unknown): ScbError {
    if (error instanceof ScbError) return error;
    if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError")) {
      return new ScbError("aborted", "stopped before it was done", { cause: error });
    }
    const text = error instanceof Error ? error.message : String(error);
    return new ScbError("internal", `a defect in scb-mirror: ${text}`, { cause: error });
  }

  /** Without this, `JSON.stringify` would omit the message. */
  toJSON(): { readonly name: string; readonly code: ErrorCode; readonly message: string } {
    const { name, code, message } = this;
    return { name, code, message };
  }
}

/** Whether `error` is ours and has one of `codes`. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is ScbError {
  return error instanceof ScbError && codes.includes(error.code);
}
