import type { Fail, Violation } from "./invariants.ts";
import type { Timeline } from "./timeline.ts";

/** A running schedule. */
export interface Running {
  readonly timeline: Timeline;
  readonly checker: { readonly violation: Violation | null; readonly fail: Fail };
  readonly stats: { readonly steps: number };
  /** Whether a process was given something to go on with. */
  touched: boolean;
}

export interface RunUntilOptions {
  /** How many turns of the event loop a process may take until it waits for something simulated. */
  readonly hops: number;
  /** Far above what the longest schedules take. */
  readonly mostSteps: number;
}

/** Runs one event after the other until `endMs`, or until an invariant is violated. */
export async function runUntil(
  endMs: number,
  world: Running,
  { hops, mostSteps }: RunUntilOptions,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const go = (hopsLeft: number): void => {
    if (hopsLeft > 0) {
      setImmediate(go, hopsLeft - 1);
      return;
    }
    try {
      while (world.checker.violation === null) {
        world.touched = false;
        if (!world.timeline.step(endMs)) break;
        if (!world.touched) continue;
        if (world.stats.steps > mostSteps) world.checker.fail("I7", "it goes round in circles");
        // Microtasks run to their end before that: nothing is ready to run then.
        setImmediate(go, hops - 1);
        return;
      }
      resolve();
    } catch (error) {
      reject(error);
    }
  };
  go(0);
  return promise;
}
