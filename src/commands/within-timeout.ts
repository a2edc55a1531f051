import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { ActionContext } from "./action.ts";

/**
 * Runs what only looks for as long as `--timeout` allows, whatever store and node do. Throws "aborted"
 * then, which names the store. Nothing of a person's time belongs in it.
 */
export function withinTimeout<C extends ActionContext, T>(
  context: C,
  work: (context: C) => Promise<T>,
): Promise<T> {
  const { clock, settings, signal } = context;
  const ms = settings.timeout;
  const late = (): ScbError =>
    new ScbError(
      "aborted",
      `${settings.to ?? "the store"} and the node have not answered all that was asked in time (--timeout is ${ms / 1000} s): nothing is known; scb-mirror doctor says what is slow`,
    );
  return withinDeadline({ clock, ms, signal, late }, ({ signal: within }) =>
    work({ ...context, signal: within }),
  );
}
