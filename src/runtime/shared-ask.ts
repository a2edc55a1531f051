import { setImmediate } from "node:timers/promises";
import { abortable, throwIfAborted } from "./abort.ts";

/** One request that has not begun, and who waits for it. */
interface Batch<T, A> {
  readonly asks: A[];
  readonly abort: AbortController;
  readonly answer: Promise<T>;
  waiting: number;
}

/**
 * One request for all who ask at the same moment. Each answer is newer than its question: whoever asks
 * while a request is under way waits for the next one, which is then shared by all who have asked
 * meanwhile. `make` gets what each of them asked with. Who goes away leaves the others their answer; the
 * last one to go ends the request.
 */
export class SharedAsk<T, A = undefined> {
  readonly #make: (asks: readonly A[], signal: AbortSignal) => Promise<T>;
  /** Not begun yet: it may still be joined. */
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
      // Whoever is told of a change together asks together.
      await setImmediate();
      if (this.#next === batch) this.#next = null;
      throwIfAborted(abort.signal);
      return this.#make(asks, abort.signal);
    };
    const answer = run();
    // One that nobody waits for any more fails unheard.
    this.#last = answer.catch(() => undefined);
    const batch: Batch<T, A> = { asks, abort, answer, waiting: 0 };
    return batch;
  }
}
