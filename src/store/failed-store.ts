import type { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * A store that was found not to answer: whatever it is asked for throws `error`, at once. One of several
 * stores that is away costs its bound only once.
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
