import { type ErrorCode, hasCode } from "../runtime/error.ts";

/**
 * What time may heal: an outage, an answer that was lost, a node that restarts, a file that is
 * half written. Everything else is a person's to mend, and trying again would only hide it.
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

/** Whether a running mirror goes on trying after `error`. */
export function isPassing(error: unknown): boolean {
  return hasCode(error, ...passingCodes);
}
