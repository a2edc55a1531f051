import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../src/runtime/abort.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";

/**
 * A clock on which waiting takes no real time, but advances the clock. Waits of at least `longMs` (the refresh
 * interval, say) last until they are aborted; otherwise nothing would ever end.
 */
export function hastyClock({ longMs = 60_000, startMs = Date.UTC(2026, 0, 1) } = {}): Clock {
  let nowMs = startMs;
  return {
    now: () => Math.floor(nowMs),
    monotonicMs: () => nowMs,
    async sleep(ms, signal) {
      throwIfAborted(signal);
      if (ms < longMs) {
        nowMs += ms;
        await setImmediate();
        return throwIfAborted(signal);
      }
      await new Promise((_, reject) => {
        signal?.addEventListener("abort", () =>
          reject(new ScbError("aborted", "stopped while waiting")),
        );
      });
    },
  };
}
