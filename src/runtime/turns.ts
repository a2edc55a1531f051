import { setImmediate } from "node:timers/promises";

/** Processing this many items takes a few milliseconds. */
export const thingsInOneTurn = 250;

/** Runs work in steps and lets the event loop turn between them. */
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

/** Lets the event loop turn between two tasks on `count` items, if they are many. */
export async function turn(count: number): Promise<void> {
  if (count > thingsInOneTurn) await setImmediate();
}
