import { type SnapshotReason, weightierReason } from "../chanbackup/snapshot.ts";

/**
 * Holds why a snapshot is due, from whoever notices it, for the one who takes the snapshots. There
 * is room for one reason, so a slow consumer finds one, the weightiest, and never a pile.
 */
export class DueReason {
  #reason: SnapshotReason | null = null;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;

  put(reason: SnapshotReason): void {
    this.#reason = weightierReason(this.#reason, reason);
    this.#wake();
  }

  /** Ends `drain` with `error`. For a defect: an expected failure is told to an observer instead. */
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
 * Yields what `notice` puts until `signal` aborts. When the consumer is done, `notice` is told by its
 * own signal, and waited for. An error of it while it should still run ends the consumer.
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
