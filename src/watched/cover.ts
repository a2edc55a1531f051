import type { NodeChannelsSeen } from "./events.ts";

/** How much of the node's channels and funds a restore from one store would bring back. */
export interface Cover {
  readonly covered: number;
  /** Channel points in neither the store's current version nor the older ones that a restore also needs. */
  readonly missing: readonly string[];
  /** The node's own funds in the covered channels, in limbo or not; null if the node doesn't say. */
  readonly coveredSat: number | null;
}

/** Compares what a store covers with what the node said after it was saved. */
export function coverOf({ open, limbo }: NodeChannelsSeen, covers: readonly string[]): Cover {
  const held = new Set(covers);
  const missing: string[] = [];
  let covered = 0;
  let coveredSat: number | null = 0;
  for (const [point, sat] of [...open, ...[...limbo].filter(([point]) => !open.has(point))]) {
    if (!held.has(point)) {
      missing.push(point);
      continue;
    }
    covered += 1;
    coveredSat = coveredSat === null || sat === null ? null : coveredSat + sat;
  }
  return { covered, missing, coveredSat };
}

/**
 * The cover after a swap, until the node is asked again: what was missing may be saved now. Nothing new can
 * be missing, because a swap leaves out only what the node left out.
 */
export function coverAfterSwap(before: Cover, covers: readonly string[]): Cover {
  const covered = covers.length;
  if (before.missing.length === 0) return { ...before, covered };
  const held = new Set(covers);
  const missing = before.missing.filter((point) => !held.has(point));
  return { ...before, covered, missing };
}
