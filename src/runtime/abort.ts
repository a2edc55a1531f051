import { ScbError } from "./error.ts";

/** Throws code "aborted" when `signal` has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new ScbError("aborted", "stopped before it was done", { cause: signal.reason });
  }
}

/** Awaits `promise`, or throws "aborted" as soon as `signal` aborts. The promise itself continues. */
export async function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    // Nothing is left to handle its failure.
    promise.catch(() => undefined);
    throwIfAborted(signal);
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void =>
    reject(new ScbError("aborted", "stopped before it was done", { cause: signal.reason }));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
