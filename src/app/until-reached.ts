import { defaultBackoff, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, hasCode, type ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";

/** What is reached: the two differ in what passes, and how soon it is tried again. */
export type Reached = "node" | "store";

const passing: Readonly<Record<Reached, readonly ErrorCode[]>> = {
  node: ["node-unavailable", "node-locked", "node-syncing"],
  store: ["store-busy", "store-unknown", "store-clock"],
};

export interface ReachOptions {
  readonly once: boolean;
  readonly stop: AbortSignal;
  readonly abort: AbortSignal;
  readonly observe: (
    event:
      | {
          readonly kind: "retrying";
          readonly error: ScbError;
          readonly attempt: number;
          readonly retryInMs: number;
        }
      | { readonly kind: "recovered"; readonly attempts: number },
  ) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A machine that boots starts everything at once, so a node or a store that does not answer yet is
 * waited for; with `--once` only the store is, since a later run will find the node. Null when it
 * was stopped meanwhile: there was nothing to save, so that is no failure.
 */
export async function untilReached<T>(
  what: Reached,
  options: ReachOptions,
  reach: () => Promise<T>,
): Promise<T | null> {
  const { clock, random, stop, abort, once, observe } = options;
  let attempts = 1;
  try {
    const result = await retry(reach, {
      canPass: ({ code }) =>
        passing[what].includes(code) && !(once ? what === "node" : stop.aborted),
      backoff: what === "store" ? storeBackoff : defaultBackoff,
      clock,
      random,
      onRetry: (error, attempt, retryInMs) => {
        attempts = attempt + 1;
        observe({ kind: "retrying", error, attempt, retryInMs });
      },
      signal: AbortSignal.any([stop, abort]),
    });
    if (attempts > 1) observe({ kind: "recovered", attempts });
    return result;
  } catch (error) {
    const wasPassing = hasCode(error, "aborted", ...passing[what]);
    if (!once && wasPassing && (stop.aborted || abort.aborted)) return null;
    throw error;
  }
}
