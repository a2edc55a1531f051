import { sameStores } from "../mirror/same-stores.ts";
import { abortable } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** So long the stores have to show that they are different places. */
const lookMs = 10_000;

/** A mirror of one store, as far as it can be told from another. */
interface Place {
  readonly name: string;
  /** The node's folder in it. */
  readonly store: ObjectStore;
  /** Resolves when the store has first told what it holds, or first failed to. */
  readonly reached: Promise<void>;
  readonly wasRead: boolean;
}

export interface DistinctOptions {
  /** Wait for the answer, also if the work is done before. */
  readonly once: boolean;
  /** Ends the work if two of the stores are one. */
  readonly end: () => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Runs `work`, and finds out meanwhile whether two of the stores are one place under two names, where one
 * copy would be counted as two: then ends it, and throws "usage". Writes only into folders whose pointer
 * was read, and waits for no store that is slow.
 */
export async function whileDistinct<T>(
  work: () => Promise<T>,
  mirrors: readonly Place[],
  options: DistinctOptions,
): Promise<T> {
  if (mirrors.length < 2) return work();
  const ended = new AbortController();
  let found: ScbError | null = null;
  const looking = twiceNamed(
    mirrors,
    AbortSignal.any([options.signal, ended.signal]),
    options,
  ).then((error) => {
    found = error;
    if (error !== null) options.end();
  });
  try {
    const result = await work();
    if (options.once) await looking;
    if (found !== null) throw found;
    return result;
  } catch (error) {
    throw found ?? error;
  } finally {
    ended.abort();
    await looking;
  }
}

/** Null if no two are known to be one. */
async function twiceNamed(
  mirrors: readonly Place[],
  signal: AbortSignal,
  { clock, random }: DistinctOptions,
): Promise<ScbError | null> {
  try {
    await abortable(Promise.all(mirrors.map(({ reached }) => reached)), signal);
    const read = mirrors.filter(({ wasRead }) => wasRead);
    const { same } = await sameStores(read, { clock, random, timeoutMs: lookMs, signal });
    const [pair] = same;
    if (pair === undefined) return null;
    return new ScbError(
      "usage",
      `${pair.join(" and ")} are one place under two names, so that there is one copy, not two: give it once with --to`,
    );
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
