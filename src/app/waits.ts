import type { SnapshotSource } from "../chanbackup/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, hasCode } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { observedStore } from "../store/observed-store.ts";

/** What the run is waiting for, by its name for people, and since when. Milliseconds since 1970. */
export interface Wait {
  readonly subject: string;
  readonly sinceMs: number;
}

/** After these errors nothing is known yet, and the caller will ask again. */
const unanswered: readonly ErrorCode[] = [
  ...(["store-busy", "store-unknown", "store-clock"] as const),
  ...(["node-unavailable", "node-locked", "node-syncing", "io"] as const),
];

/** Records requests to the store and node that have no answer yet. */
export class Waits {
  readonly #clock: Clock;
  /** Requests under way. */
  readonly #asked = new Map<symbol, Wait>();
  /** For each subject, the time since which every request has failed. Milliseconds since 1970. */
  readonly #failingSince = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs a request, and counts its time as waiting for `subject`. */
  async of<T>(subject: string, request: () => Promise<T>): Promise<T> {
    const id = Symbol();
    const sinceMs = this.#clock.now();
    this.#asked.set(id, { subject, sinceMs });
    try {
      const answer = await request();
      this.#failingSince.delete(subject);
      return answer;
    } catch (error) {
      if (!hasCode(error, ...unanswered)) this.#failingSince.delete(subject);
      else if (!this.#failingSince.has(subject)) this.#failingSince.set(subject, sinceMs);
      throw error;
    } finally {
      this.#asked.delete(id);
    }
  }

  /** The longest wait; null if there is none. */
  get longest(): Wait | null {
    const failing = [...this.#failingSince].map(([subject, sinceMs]) => ({ subject, sinceMs }));
    const [first = null] = [...failing, ...this.#asked.values()].sort(
      (a, b) => a.sinceMs - b.sinceMs,
    );
    return first;
  }
}

const firstToldMs = 30_000;
const toldAgainMs = 60_000;
const lookEveryMs = 5_000;

export interface TellWaitsOptions {
  readonly clock: Clock;
  /** When the run last reported anything. As `Clock.monotonicMs`. */
  readonly toldAtMs: () => number;
  readonly tell: (wait: Wait) => void;
  /** Called every 5 s, for what changes with time alone. */
  readonly review?: (() => void) | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Reports a wait after 30 s, then once a minute, unless something else was reported meanwhile. */
export async function tellWaits(
  waits: Waits,
  { clock, toldAtMs, tell, review, signal }: TellWaitsOptions,
): Promise<void> {
  let told: Wait | null = null;
  for (;;) {
    try {
      await clock.sleep(lookEveryMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    review?.();
    const wait = waits.longest;
    const isSame = wait !== null && wait.subject === told?.subject;
    const quietMs = clock.monotonicMs() - toldAtMs();
    const dueMs = isSame ? toldAgainMs : firstToldMs;
    if (wait === null || !isSame) told = null;
    if (wait === null || clock.now() - wait.sinceMs < firstToldMs || quietMs < dueMs) continue;
    told = wait;
    tell(wait);
  }
}

/** A store whose requests count as waits. */
export function watchedStore(store: ObjectStore, waits: Waits): ObjectStore {
  return observedStore(store, (_, request) => waits.of(store.location, request));
}

/** A source whose answers count as waits. */
export function watchedSource(source: SnapshotSource, waits: Waits): SnapshotSource {
  const { description: subject, witness } = source;
  return {
    description: subject,
    witness,
    identify: (signal) => waits.of(subject, () => source.identify(signal)),
    snapshot: (reason, signal) => waits.of(subject, () => source.snapshot(reason, signal)),
    changes: (signal) => source.changes(signal),
    close: () => source.close(),
  };
}
