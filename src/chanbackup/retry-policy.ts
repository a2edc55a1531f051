import { type ErrorCode, hasCode } from "../runtime/error.ts";

/**
 * Errors that may pass with time: an outage, a lost answer, a restarting node, a half-written file.
 * Anything else needs a person, and retrying would only hide it.
 */
const passingCodes: readonly ErrorCode[] = [
  "store-busy",
  "store-unknown",
  "store-clock",
  "node-unavailable",
  "node-locked",
  "node-syncing",
  "node-denied",
  "node-untrusted",
  "io",
  "decode",
  "decrypt",
];

/** Whether a running mirror retries after `error`. */
export function isPassing(error: unknown): boolean {
  return hasCode(error, ...passingCodes);
}
