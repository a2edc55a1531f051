import { setTimeout as delay } from "node:timers/promises";
import { ScbError } from "./error.ts";

/** Time as an argument, so that a simulation can control it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Never jumps back; only differences mean anything. Milliseconds. */
  monotonicMs(): number;
  /** Resolves after `ms`. Rejects with code "aborted" as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers treat longer delays as no delay at all. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's own clock. Its `sleep` may be of any length. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    const untilMs = performance.now() + ms;
    try {
      for (let leftMs = ms; ; leftMs = untilMs - performance.now()) {
        await delay(Math.min(leftMs, longestTimerMs), undefined, { ...(signal && { signal }) });
        if (leftMs <= longestTimerMs) return;
      }
    } catch (error) {
      throw new ScbError("aborted", "stopped while waiting", { cause: error });
    }
  },
};
