import type { Random } from "./random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** For a node: what it knows is not lost while it is away. */
export const defaultBackoff: BackoffOptions = { firstMs: 100, maxMs: 10_000 };

/**
 * For a store. The last state has to be saved within 2 s of its return, however long it was away:
 * 1.5 s of waiting leave half a second for the swap. With full jitter a store that is down for hours
 * is asked for one small thing every 0.75 s or so by each node, or less where it lets requests hang.
 */
export const storeBackoff: BackoffOptions = { firstMs: 100, maxMs: 1_500 };

/**
 * Exponential backoff with full jitter: the wait before attempt `n` is uniform in
 * [0, min(maxMs, firstMs * 2^(n-1))), so that many writers do not come back in step.
 */
export function backoffMs(attempt: number, random: Random, options = defaultBackoff): number {
  const ceilingMs = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt - 1, 30));
  return random.unit() * ceilingMs;
}

/**
 * The wait after a swap that other writers were faster with, for the `lost`th time in a row, where
 * the last attempt took `attemptMs`. The other writer is done, so the first time there is no reason
 * to wait. Where it keeps happening the waits are as long as swaps take on this store, and grow: two
 * writers hardly wait, and a hundred that begin at once spread until each has its turn. Never longer
 * than a busy writer pauses in a burst (`Pace`): one that waits longer would be left behind for good.
 */
export function contentionMs(lost: number, attemptMs: number, random: Random): number {
  if (lost <= 1) return 0;
  return backoffMs(lost, random, { firstMs: Math.max(5, attemptMs), maxMs: 250 });
}
