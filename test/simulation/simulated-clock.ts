import { throwIfAborted } from "../../src/runtime/abort.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";

/** The true time when a schedule begins. */
export const epochMs = Date.UTC(2026, 0, 1);

export interface TimeSource {
  /** This process's wall clock, which may jump. */
  wallMs(): number;
  monotonicMs(): number;
  after(delayMs: number, act: () => void): void;
  deliver(what: string, act: () => void): void;
}

/** The longest wait of Node's timers; longer ones end at once. They ignore fractions. */
const longestTimerMs = 2 ** 31 - 1;

/** One process's clock. */
export function simulatedClock(time: TimeSource): Clock {
  return {
    now: () => time.wallMs(),
    monotonicMs: () => time.monotonicMs(),
    async sleep(ms, signal) {
      throwIfAborted(signal);
      return new Promise<void>((resolve, reject) => {
        let isOver = false;
        const onAbort = (): void => {
          isOver = true;
          reject(new ScbError("aborted", "stopped while waiting"));
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        time.after(ms > longestTimerMs ? 1 : Math.max(1, Math.trunc(ms)), () => {
          if (isOver) return;
          time.deliver(`slept ${Math.round(ms)} ms`, () => {
            if (isOver) return;
            isOver = true;
            signal?.removeEventListener("abort", onAbort);
            resolve();
          });
        });
      });
    },
  };
}
