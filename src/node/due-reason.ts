import { type SnapshotReason, weightierReason } from "../chanbackup/snapshot.ts";

/**
 * Passes on why a snapshot is due, from whatever notices it to the consumer that takes snapshots. It
 * holds one reason, so a slow consumer finds the most important one and never a backlog.
 */
export class DueReason {
  #reason: SnapshotReason | null = null;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;

  put(reason: SnapshotReason): void {
    this.#reason = weightierReason(this.#reason, reason);
    this.#wake();
  }

  /** Ends `drain` with `error`. Only for defects: expected failures go to an observer. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Yields each reason once, as soon as it is there. Ends when `signal` aborts. */
  async *drain(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#failure !== null) throw this.#failure.error;
        const reason = this.#reason;
        if (reason === null) {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
        } else {
          this.#reason = null;
          yield reason;
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/**
 * Yields what `notice` puts until `signal` aborts. When the consumer is done, aborts the signal of
 * `notice` and waits for it. An error that `notice` throws before that ends the consumer.
 */
export async function* noticed(
  signal: AbortSignal,
  notice: (due: DueReason, signal: AbortSignal) => Promise<unknown>,
): AsyncGenerator<SnapshotReason, void> {
  const ended = new AbortController();
  const scope = AbortSignal.any([signal, ended.signal]);
  const due = new DueReason();
  const noticing = notice(due, scope).catch((error: unknown) => {
    if (!scope.aborted) due.fail(error);
  });
  try {
    yield* due.drain(scope);
  } finally {
    ended.abort();
    await noticing;
  }
}
