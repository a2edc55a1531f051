import { listAttestations } from "../../repository/mirror-record.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

/** A mirror that is begun anew writes an object of its own: the last week's may be looked at. */
const keptMs = 7 * 24 * 3_600_000;

/**
 * The keys of what mirrors that are long gone have said of themselves. The newest always stays, for it
 * says since when no mirror looks after the node. All times are the store's. Throws what the store throws.
 */
export async function goneMirrors(store: ObjectStore, options?: RequestOptions): Promise<string[]> {
  const [newest, ...others] = await listAttestations(store, options);
  if (newest === undefined) return [];
  return others
    .filter(({ modifiedAt }) => newest.modifiedAt - modifiedAt > keptMs)
    .map(({ key }) => key);
}
