import { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { currentOrNull, listVersions } from "./history.ts";

/**
 * The sequence of the version that was current at a moment (milliseconds since 1970): the newest one
 * saved before it, by the earlier of the writer's clock and the store's. Throws "not-found" if the
 * history starts later.
 */
export async function sequenceAt(
  store: ObjectStore,
  at: number,
  options: RequestOptions,
): Promise<number> {
  return (await versionAt(store, at, options)).sequence;
}

/** The same, with when it was saved, in milliseconds since 1970. */
export async function versionAt(
  store: ObjectStore,
  at: number,
  options: RequestOptions,
): Promise<{ readonly sequence: number; readonly savedAt: number }> {
  const current = await currentOrNull(store, options);
  const newest = current?.held?.sequence ?? Infinity;
  let found: { readonly sequence: number; readonly savedAt: number } | null = null;
  let oldestAt = Infinity;
  for (const { sequence, createdAt, storedAt } of await listVersions(store, undefined, options)) {
    if (sequence > newest) break;
    const savedAt = Math.min(createdAt, storedAt);
    oldestAt = Math.min(oldestAt, savedAt);
    if (savedAt <= at) found = { sequence, savedAt };
  }
  if (found !== null) return found;
  throw new ScbError(
    "not-found",
    oldestAt === Infinity
      ? `there is no backup in ${store.location} yet`
      : `the oldest backup in ${store.location} is from ${new Date(oldestAt).toISOString()}, so there is none from before ${new Date(at).toISOString()}: scb-mirror list shows the versions`,
  );
}
