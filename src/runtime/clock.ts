import { setTimeout as delay } from "node:timers/promises";
import { ScbError } from "./error.ts";

/** Time as an argument, so that a simulation can own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Never jumps back; only differences mean anything. Milliseconds. */
  monotonicMs(): number;
  /** Resolves after `ms`. Rejects with code "aborted" as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw new ScbError("aborted", "stopped while waiting", { cause: error });
    }
  },
};
