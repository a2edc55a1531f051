import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { Slots } from "../runtime/slots.ts";

/**
 * Node makes file system calls on four threads, which also look up host names. A call that hangs, for
 * example on a network folder whose server is gone, occupies its thread meanwhile. So all folder stores
 * together leave one thread free, and a single store uses at most two.
 */
const ofAllStores = new Slots(3);
const callsAtOnce = 2;

/** The calls that one store makes of the file system. */
export class FileCalls {
  readonly #clock: Clock;
  readonly #slots = new Slots(callsAtOnce);
  /** When each call under way began, by the clock's monotonic time. */
  readonly #begunMs = new Map<symbol, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long the longest call under way has taken by now. 0 if there is none. */
  get longestMs(): number {
    const nowMs = this.#clock.monotonicMs();
    return Math.max(0, ...[...this.#begunMs.values()].map((begunMs) => nowMs - begunMs));
  }

  make<T>(call: () => Promise<T>): Promise<T> {
    return this.#slots.hold(() =>
      ofAllStores.hold(async () => {
        const id = Symbol();
        this.#begunMs.set(id, this.#clock.monotonicMs());
        try {
          return await call();
        } finally {
          this.#begunMs.delete(id);
        }
      }),
    );
  }
}

/**
 * What one operation of a store does in the file system. Every call goes through it, so that an
 * operation whose caller has been let go does nothing more, however late its last call returns.
 */
export class FileTask {
  readonly #calls: FileCalls;
  readonly signal: AbortSignal;

  constructor(calls: FileCalls, signal: AbortSignal) {
    this.#calls = calls;
    this.signal = signal;
  }

  /** Makes a call, unless the operation has been given up. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    return this.#calls.make(async () => {
      throwIfAborted(this.signal);
      return call();
    });
  }

  /** Makes a call that puts things in order, even if the operation has been given up. */
  finish<T>(call: () => Promise<T>): Promise<T> {
    return this.#calls.make(call);
  }
}
