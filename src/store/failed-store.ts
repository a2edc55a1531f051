import type { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * A store found to be unreachable: every call throws `error` immediately, so that one store that is away
 * costs its time limit only once.
 */
export function failedStore(
  { location, conditions }: Pick<ObjectStore, "location" | "conditions">,
  error: ScbError,
): ObjectStore {
  const fail = (): Promise<never> => Promise.reject(error);
  async function* failedList(): AsyncIterable<never> {
    yield await fail();
  }
  return {
    location,
    conditions,
    get: fail,
    head: fail,
    put: fail,
    list: failedList,
    listFolders: failedList,
    delete: fail,
    close: () => Promise.resolve(),
  };
}
