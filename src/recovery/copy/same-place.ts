import { probePrefix } from "../../repository/layout.ts";
import { newOperationId } from "../../repository/operation-id.ts";
import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

/** Throws "usage" if two folders have the same name at the same service. Sends no request to a store. */
export async function refuseSameName(a: ObjectStore, b: ObjectStore): Promise<void> {
  if (a.location !== b.location) return;
  if ((await a.service?.()) !== (await b.service?.())) return;
  throw samePlace(a, b);
}

/**
 * Throws "usage" if two names lead to one folder: it writes a fresh token through one and looks for it
 * through the other. Throws what the stores throw.
 */
export async function refuseSamePlace(
  source: ObjectStore,
  target: ObjectStore,
  { clock, random, signal }: RequestOptions & { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const key = `${probePrefix}${newOperationId(clock, random)}/same-place`;
  await target.put(key, random.bytes(32), { signal });
  try {
    if ((await source.head(key, { signal })) !== null) throw samePlace(source, target);
  } finally {
    await removeIfAllowed(target, key, { signal });
  }
}

/** If the credential may not delete, a few bytes stay behind, beside those of the probe. */
async function removeIfAllowed(
  store: ObjectStore,
  key: string,
  options: RequestOptions,
): Promise<void> {
  try {
    await store.delete(key, options);
  } catch (error) {
    if (!hasCode(error, "store-denied", "store-rejected", "store-busy", "store-unknown")) {
      throw error;
    }
  }
}

function samePlace(a: ObjectStore, b: ObjectStore): ScbError {
  return new ScbError(
    "usage",
    `${a.location} and ${b.location} are the same place, so nothing can be copied: check --from-store and --to`,
  );
}
