/**
 * Everything that can go wrong, as a closed list. A code says what a caller can do about it; the
 * message says what happened, to what, and what a person should do.
 */
export const errorCodes = [
  // the caller
  "usage", // wrong flags or configuration
  "aborted", // an AbortSignal asked to stop
  "caller", // code that a library's user gave (a Swapper, a channel) failed
  "internal", // a defect of ours

  // messages
  "undelivered", // a message or a heartbeat did not get to its receiver, as far as is known

  // bytes and keys
  "decode", // these bytes are not what they should be
  "encode", // a value that the format cannot hold
  "decrypt", // authentication failed: wrong key or damaged bytes
  "key", // a seed, extended key or backup key that cannot be used

  // local files
  "io", // reading or writing a local file failed
  "exists", // a file is there already and would be overwritten

  // the store, as `ObjectStore` promises
  "store-precondition", // the condition did not hold; nothing was written
  "store-missing", // a conditional replace of an object that is not there; nothing was written
  "store-busy", // told to come back later, or never reached: nothing is known to have landed
  "store-unknown", // sent, and no answer that says whether it landed
  "store-denied", // these credentials may not do this
  "store-no-bucket", // the bucket or folder is not there
  "store-clock", // the store refuses because this machine's clock is off
  "store-rejected", // the store will never take this request
  "store-too-large", // the object is larger than its reader allows; nothing more is known of it

  // the mirror
  "superseded", // another writer moved the pointer: take a new base and a new snapshot
  "refused", // a guard held a candidate back
  "went-back", // the store lost what this process had committed: an older folder was restored
  "store-lies", // the store does not enforce conditional writes
  "pointer-lost", // versions are there, the pointer is not
  "pointer-damaged", // the pointer is not JSON, or not of a schema that we know
  "version-damaged", // a version is gone, or its bytes are not what the pointer says
  "not-found", // no such version, no backup yet
  "wrong-node", // the store's folder belongs to another node or network

  // the node
  "node-unavailable", // cannot be reached, or stopped answering
  "node-untrusted", // its certificate is not the one that we were told to trust
  "node-denied", // the macaroon does not allow this, or is not one
  "node-locked", // its wallet is locked or does not exist yet
  "node-syncing", // starting, or not yet in step with the chain
] as const;

/** One of `errorCodes`. */
export type ErrorCode = (typeof errorCodes)[number];

/**
 * The only error class that leaves a module. Foreign errors are translated once, where they enter,
 * and kept as `cause`. Neither message nor details ever hold a secret.
 */
export class ScbError extends Error {
  readonly code: ErrorCode;
  override readonly name = "ScbError";

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Takes an error from code that the caller gave, which `what` names. */
  static ofCaller(error: unknown, what: string): ScbError {
    const known = ScbError.from(error);
    if (known.code !== "internal" || known === error) return known;
    const text = error instanceof Error ? error.message : String(error);
    return new ScbError("caller", `${what} failed: ${text}`, { cause: error });
  }

  /** Takes an error from anywhere. One that is not ours is a defect, or the abort of a signal. */
  static from(error: unknown): ScbError {
    if (error instanceof ScbError) return error;
    if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError")) {
      return new ScbError("aborted", "stopped before it was done", { cause: error });
    }
    const text = error instanceof Error ? error.message : String(error);
    return new ScbError("internal", `a defect in scb-mirror: ${text}`, { cause: error });
  }

  /** `JSON.stringify` would leave out the message. */
  toJSON(): { readonly name: string; readonly code: ErrorCode; readonly message: string } {
    const { name, code, message } = this;
    return { name, code, message };
  }
}

/** Whether `error` is ours and has one of `codes`. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is ScbError {
  return error instanceof ScbError && codes.includes(error.code);
}
