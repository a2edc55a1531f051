import type { SourceObserver } from "../chanbackup/snapshot.ts";

/**
 * Lets several parts share one observer. Each trouble is passed on, but "recovered" only when no part has
 * trouble any more.
 */
export class SharedObserver {
  readonly #observer: SourceObserver;
  readonly #troubled = new Set<SourceObserver>();

  constructor(observer: SourceObserver) {
    this.#observer = observer;
  }

  /** The observer of one part. Its `recovered` may be called at any time. */
  part(): SourceObserver {
    const part: SourceObserver = {
      trouble: (error, retryInMs) => {
        this.#troubled.add(part);
        this.#observer.trouble(error, retryInMs);
      },
      recovered: () => {
        if (this.#troubled.delete(part) && this.#troubled.size === 0) this.#observer.recovered();
      },
    };
    return part;
  }
}
