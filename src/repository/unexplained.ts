import { hasCode } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import type { Base } from "./base.ts";
import { currentOrNull } from "./history.ts";
import { parseVersionKey, versionKey, versionsPrefix } from "./layout.ts";

/**
 * The highest sequence of versions that the pointer cannot explain, for the next one alone may be a
 * swap under way: an older pointer was put back, and what was saved since is not current. Null for none,
 * and for credentials that may not list. One request, where there are none. Throws what the store throws.
 */
export async function unexplainedSequence(
  store: ObjectStore,
  { kind, held }: Base,
  options?: RequestOptions,
): Promise<number | null> {
  if (kind !== "pointer") return null;
  let highest: number | null = null;
  const startAfter = versionKey(held.sequence + 2, "");
  try {
    for await (const { key } of store.list(versionsPrefix, { ...options, startAfter })) {
      highest = parseVersionKey(key)?.sequence ?? highest;
    }
  } catch (error) {
    if (!hasCode(error, "store-denied")) throw error;
  }
  if (highest === null) return null;
  // Mirrors may have gone on since the pointer was read.
  const now = (await currentOrNull(store, options))?.held?.sequence ?? held.sequence;
  return highest > now + 1 ? highest : null;
}
