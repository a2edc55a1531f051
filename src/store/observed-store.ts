import { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "./object-store.ts";

export type StoreOperation =
  | "get"
  | "head"
  | "put"
  | "list"
  | "list-folders"
  | "delete"
  | "inspect";

/** Makes a request and passes on its answer or error. A listing is one request per name. */
export type AroundRequest = <T>(operation: StoreOperation, request: () => Promise<T>) => Promise<T>;

/** The same store, with each request made by `around`. Closing it closes the store. */
export function observedStore(store: ObjectStore, around: AroundRequest): ObjectStore {
  const { inspection } = store;
  return {
    location: store.location,
    conditions: store.conditions,
    service: store.service?.bind(store),
    inspection: inspection && {
      rights: inspection.rights,
      survey: (options) => around("inspect", () => inspection.survey(options)),
      mayDelete: (key, options) => around("inspect", () => inspection.mayDelete(key, options)),
    },
    get: (key, options) => around("get", () => store.get(key, options)),
    head: (key, options) => around("head", () => store.head(key, options)),
    put: (key, bytes, options) => around("put", () => store.put(key, bytes, options)),
    list: (prefix, options) => observedList("list", store.list(prefix, options), around),
    listFolders: (prefix, options) =>
      observedList("list-folders", store.listFolders(prefix, options), around),
    delete: (key, options) => around("delete", () => store.delete(key, options)),
    close: () => store.close(),
  };
}

async function* observedList<T>(
  operation: StoreOperation,
  list: AsyncIterable<T>,
  around: AroundRequest,
): AsyncGenerator<T> {
  const items = list[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await around(operation, () => items.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    await items.return?.();
  }
}

/**
 * The same store, reporting how each request ended: "ok", or the code of its error. A listing counts
 * once, at its end.
 */
export function countedStore(
  store: ObjectStore,
  count: (operation: StoreOperation, outcome: string) => void,
): ObjectStore {
  return observedStore(store, async (operation, request) => {
    try {
      const answer = await request();
      if (isEnd(operation, answer)) count(operation, "ok");
      return answer;
    } catch (error) {
      count(operation, ScbError.from(error).code);
      throw error;
    }
  });
}

function isEnd(operation: StoreOperation, answer: unknown): boolean {
  if (operation !== "list" && operation !== "list-folders") return true;
  return typeof answer === "object" && answer !== null && "done" in answer && answer.done === true;
}
