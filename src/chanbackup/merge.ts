import { formatOutPoint } from "../wire/out-point.ts";
import { type Multi, sortSingles } from "./multi.ts";
import type { Single } from "./single.ts";

/**
 * What to pack next: everything that the swapper holds, with ours replacing its Singles where we have
 * them, minus the closed channels. So a channel is only dropped because its close was reported, never
 * because we don't know it (yet). A channel both ours and closed is closed. Sorted, one Single per
 * outpoint; of several with one outpoint, the last counts. `closed` holds channel points, as
 * `formatOutPoint` writes them. Source: lnd `SubSwapper.updateBackupFile`.
 */
export function mergeSingles(
  held: Multi | null,
  ours: Iterable<Single>,
  closed: Iterable<string>,
): Multi {
  const merged = new Map<string, Single>();
  for (const single of held?.staticBackups ?? []) {
    merged.set(formatOutPoint(single.fundingOutpoint), single);
  }
  for (const single of ours) merged.set(formatOutPoint(single.fundingOutpoint), single);
  for (const channelPoint of closed) merged.delete(channelPoint);
  return { version: 0, staticBackups: sortSingles(merged.values()) };
}
