import { ScbError } from "./error.ts";

/**
 * Checks a time that a caller has set, in milliseconds, and returns it. Throws "usage" for what isn't
 * a finite number of at least `leastMs`: a timer would take it for no time at all.
 */
export function checkedMs(name: string, ms: number, leastMs = 1): number {
  if (Number.isFinite(ms) && ms >= leastMs) return ms;
  throw new ScbError("usage", `${name} must be a number of at least ${leastMs} ms, not ${ms}`);
}
