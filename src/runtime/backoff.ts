import type { Random } from "./random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** For a node, whose state isn't lost while it is away. */
export const defaultBackoff: BackoffOptions = { firstMs: 100, maxMs: 10_000 };

/**
 * For a store. The last state must be saved within 2 s of the store's return, however long it was away:
 * 1.5 s of waiting leave half a second for the swap. With full jitter, each node sends a store that is
 * down for hours one small request about every 0.75 s, or fewer if requests hang.
 */
export const storeBackoff: BackoffOptions = { firstMs: 100, maxMs: 1_500 };

/**
 * Exponential backoff with full jitter: the wait before attempt `n` is uniform in [0, min(maxMs, firstMs
 * * 2^(n-1))), so that many writers don't retry in step.
 */
export function backoffMs(attempt: number, random: Random, options = defaultBackoff): number {
  const ceilingMs = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt - 1, 30));
  return random.unit() * ceilingMs;
}

/**
 * The wait after losing a swap to other writers for the `lost`th time in a row, when the last attempt
 * took `attemptMs`. The other writer is done, so the first loss needs no wait. After more losses, the
 * waits are as long as swaps take on this store, and grow: two writers hardly wait, and a hundred that
 * start together spread out until each gets its turn. The wait never exceeds a busy writer's pause in a
 * burst (`Pace`), because whoever waits longer would never catch up.
 */
export function contentionMs(lost: number, attemptMs: number, random: Random): number {
  if (lost <= 1) return 0;
  return backoffMs(lost, random, { firstMs: Math.max(5, attemptMs), maxMs: 250 });
}
