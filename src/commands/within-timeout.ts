import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { ActionContext } from "./action.ts";

/**
 * Runs a check for as long as `--timeout` allows, whatever the store and node do, and then throws "aborted",
 * which names the store. Don't wait for a person inside it.
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
      `${settings.to ?? "the store"} and the node didn't answer everything in time (--timeout is ${ms / 1000} s), so nothing is known: scb-mirror doctor shows what is slow`,
    );
  return withinDeadline({ clock, ms, signal, late }, ({ signal: within }) =>
    work({ ...context, signal: within }),
  );
}
