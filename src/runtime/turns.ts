import { setImmediate } from "node:timers/promises";

/** Work on so many things takes a few milliseconds. */
export const thingsInOneTurn = 250;

/** Does work in steps, and lets the event loop turn between them. */
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

/** Between two pieces of work on `count` things: lets the event loop turn if they are many. */
export async function turn(count: number): Promise<void> {
  if (count > thingsInOneTurn) await setImmediate();
}
