import { listAttestations } from "../../repository/mirror-record.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

/** Each start of a mirror writes an object of its own. Those of the last week may still be of interest. */
const keptMs = 7 * 24 * 3_600_000;

/**
 * The keys of attestations of mirrors that are long gone. The newest one always stays, because it shows
 * how long the node has had no mirror. All times are the store's. Throws what the store throws.
 */
export async function goneMirrors(store: ObjectStore, options?: RequestOptions): Promise<string[]> {
  const [newest, ...others] = await listAttestations(store, options);
  if (newest === undefined) return [];
  return others
    .filter(({ modifiedAt }) => newest.modifiedAt - modifiedAt > keptMs)
    .map(({ key }) => key);
}
