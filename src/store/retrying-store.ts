import { backoffMs, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";
import type { ListOptions, ObjectStore, RequestOptions } from "./object-store.ts";

export interface RetryingReadsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The maximum number of tries. Default 4, with less than a second of waiting in all. */
  readonly maxTries?: number | undefined;
  /** Called after each failure that leads to a retry. */
  readonly onRetry?: ((error: ScbError, attempt: number) => void) | undefined;
}

/**
 * The same store, but reads are retried a few times after a lost answer or a busy store, for commands
 * that a person waits for. A listing continues after the last key it gave. Writes aren't retried, because
 * only their caller knows what a repetition means.
 */
export function retryingReads(store: ObjectStore, options: RetryingReadsOptions): ObjectStore {
  const { clock, random, maxTries = 4, onRetry } = options;

  const canPass = (error: unknown): error is ScbError =>
    hasCode(error, "store-busy", "store-unknown");

  function retried<T>(read: () => Promise<T>, request?: RequestOptions): Promise<T> {
    return retry(read, {
      canPass,
      backoff: storeBackoff,
      maxTries,
      clock,
      random,
      onRetry,
      signal: request?.signal,
    });
  }

  async function* list(prefix: string, request?: ListOptions) {
    let startAfter = request?.startAfter;
    for (let attempt = 1; ; attempt += 1) {
      try {
        for await (const object of store.list(prefix, { ...request, startAfter })) {
          yield object;
          startAfter = object.key;
          attempt = 1;
        }
        return;
      } catch (error) {
        // Each key is progress and resets the count of tries, which `retry` can't do.
        if (attempt >= maxTries || !canPass(error)) throw error;
        onRetry?.(error, attempt);
        await clock.sleep(backoffMs(attempt, random, storeBackoff), request?.signal);
      }
    }
  }

  async function* listFolders(prefix: string, request?: RequestOptions) {
    // A folder listing can't be resumed, but it is short.
    yield* await retried(async () => {
      const folders: string[] = [];
      for await (const folder of store.listFolders(prefix, request)) folders.push(folder);
      return folders;
    }, request);
  }

  return {
    location: store.location,
    conditions: store.conditions,
    service: store.service?.bind(store),
    inspection: store.inspection,
    get: (key, request) => retried(() => store.get(key, request), request),
    head: (key, request) => retried(() => store.head(key, request), request),
    put: (key, bytes, request) => store.put(key, bytes, request),
    list,
    listFolders,
    delete: (key, request) => store.delete(key, request),
    close: () => store.close(),
  };
}
