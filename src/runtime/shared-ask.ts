import { setImmediate } from "node:timers/promises";
import { abortable, throwIfAborted } from "./abort.ts";

/** A request that hasn't started yet, and its callers. */
interface Batch<T, A> {
  readonly asks: A[];
  readonly abort: AbortController;
  readonly answer: Promise<T>;
  waiting: number;
}

/**
 * One request for all callers that ask at the same moment. Each answer is newer than its question:
 * callers that ask during a request share the next one. `make` gets every caller's argument. A caller
 * that leaves doesn't affect the others; when the last one leaves, the request is aborted.
 */
export class SharedAsk<T, A = undefined> {
  readonly #make: (asks: readonly A[], signal: AbortSignal) => Promise<T>;
  /** Not started yet, so it can still be joined. */
  #next: Batch<T, A> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(make: (asks: readonly A[], signal: AbortSignal) => Promise<T>) {
    this.#make = make;
  }

  /** Throws what the request throws, and "aborted". */
  async ask(with_: A, signal?: AbortSignal): Promise<T> {
    this.#next ??= this.#batch();
    const batch = this.#next;
    batch.asks.push(with_);
    batch.waiting += 1;
    try {
      return await abortable(batch.answer, signal);
    } finally {
      batch.waiting -= 1;
      if (batch.waiting === 0) this.#leave(batch);
    }
  }

  #leave(batch: Batch<T, A>): void {
    if (this.#next === batch) this.#next = null;
    batch.abort.abort();
  }

  #batch(): Batch<T, A> {
    const abort = new AbortController();
    const before = this.#last;
    const asks: A[] = [];
    const run = async (): Promise<T> => {
      await before;
      // Callers that hear of a change together ask together.
      await setImmediate();
      if (this.#next === batch) this.#next = null;
      throwIfAborted(abort.signal);
      return this.#make(asks, abort.signal);
    };
    const answer = run();
    // Nothing handles the failure of an answer that no caller awaits any more.
    this.#last = answer.catch(() => undefined);
    const batch: Batch<T, A> = { asks, abort, answer, waiting: 0 };
    return batch;
  }
}
