import { backoffMs, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "./object-store.ts";

const maxTries = 4;

/**
 * The same store, whose reads are tried again a few times where the answer was lost or the store was
 * busy: for a command that a person waits for. Writes are not touched; what a repetition of them
 * means only their caller knows.
 */
export function retryingReads(
  store: ObjectStore,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): ObjectStore {
  async function retried<T>(read: () => Promise<T>, options?: RequestOptions): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await read();
      } catch (error) {
        if (attempt === maxTries || !hasCode(error, "store-busy", "store-unknown")) throw error;
        await clock.sleep(backoffMs(attempt, random, storeBackoff), options?.signal);
      }
    }
  }
  return {
    location: store.location,
    service: store.service?.bind(store),
    inspection: store.inspection,
    get: (key, options) => retried(() => store.get(key, options), options),
    head: (key, options) => retried(() => store.head(key, options), options),
    put: (key, bytes, options) => store.put(key, bytes, options),
    list: (prefix, options) => store.list(prefix, options),
    listFolders: (prefix, options) => store.listFolders(prefix, options),
    delete: (key, options) => store.delete(key, options),
    close: () => store.close(),
  };
}
