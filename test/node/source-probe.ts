import { setTimeout as delay } from "node:timers/promises";
import type {
  SnapshotReason,
  SnapshotSource,
  SourceObserver,
} from "../../src/chanbackup/snapshot.ts";
import type { ScbError } from "../../src/runtime/error.ts";

/** Keeps what an observer is told. */
export class Heard implements SourceObserver {
  readonly troubles: ScbError[] = [];
  readonly retriesInMs: number[] = [];
  recoveries = 0;

  trouble(error: ScbError, retryInMs: number): void {
    this.troubles.push(error);
    this.retriesInMs.push(retryInMs);
  }

  recovered(): void {
    this.recoveries++;
  }
}

/** Follows a source's changes until it is disposed of. */
export class Follower implements AsyncDisposable {
  readonly reasons: SnapshotReason[] = [];
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;

  constructor(source: SnapshotSource, onReason?: (reason: SnapshotReason) => Promise<void>) {
    this.#ended = (async () => {
      for await (const reason of source.changes(this.#abort.signal)) {
        this.reasons.push(reason);
        await onReason?.(reason);
      }
    })();
  }

  /** Ends `changes` and waits for that; rejects with what it threw. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }
}

/** Waits until `is` gives true. */
export async function until(what: string, is: () => boolean, timeoutMs = 30_000): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (!is()) {
    if (performance.now() > endsAt) throw new Error(`in vain waited for: ${what}`);
    await delay(5);
  }
}
