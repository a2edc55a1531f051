import type { Random } from "./random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Never waits longer than 10 s, so that the last state is saved soon after an outage. */
export const defaultBackoff: BackoffOptions = { firstMs: 100, maxMs: 10_000 };

/**
 * Exponential backoff with full jitter: the wait before attempt `n` is uniform in
 * [0, min(maxMs, firstMs * 2^(n-1))), so that many writers do not come back in step.
 */
export function backoffMs(attempt: number, random: Random, options = defaultBackoff): number {
  const ceilingMs = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt - 1, 30));
  return random.unit() * ceilingMs;
}
