import { ScbError } from "./error.ts";

/**
 * Checks and returns a caller's duration in milliseconds. Throws "usage" unless it is a finite number of
 * at least `leastMs`: a timer would treat it as no delay at all.
 */
export function checkedMs(name: string, ms: number, leastMs = 1): number {
  if (Number.isFinite(ms) && ms >= leastMs) return ms;
  throw new ScbError("usage", `${name} must be a number of at least ${leastMs} ms, not ${ms}`);
}
