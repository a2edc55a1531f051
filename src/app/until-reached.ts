import { defaultBackoff, storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, hasCode, type ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";

/** What to reach. The two differ in which errors pass and in how soon to retry. */
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
 * Waits for a node or store that doesn't answer yet, since a booting machine starts everything at once.
 * `--once` waits only for the store, because a later run will find the node. Returns null if stopped
 * meanwhile: there was nothing to save, so that isn't a failure.
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
