import { formatOutPoint } from "../wire/out-point.ts";
import { type Multi, sortSingles } from "./multi.ts";
import type { Single } from "./single.ts";

/**
 * What to pack next: all that the swapper holds, each replaced by ours where we have it, less what
 * has closed. So a channel is only ever dropped because its close was reported, never because we do
 * not know it (yet). A channel both ours and closed is closed. Sorted, one Single an outpoint; of
 * several with one outpoint the last counts. `closed`: channel points, as `formatOutPoint` writes them.
 * Source: lnd `SubSwapper.updateBackupFile`.
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
