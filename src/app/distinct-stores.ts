import { sameStores } from "../mirror/same-stores.ts";
import { abortable } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** How long the check for identical stores may take. */
const lookMs = 10_000;

/** The part of a store's mirror that this check needs. */
interface Place {
  readonly name: string;
  /** The node's folder in it. */
  readonly store: ObjectStore;
  /** Resolves when the store has first answered what it holds, or has first failed. */
  readonly reached: Promise<void>;
  readonly wasRead: boolean;
}

export interface DistinctOptions {
  /** Wait for the answer even if the work finishes first. */
  readonly once: boolean;
  /** Ends the work if two of the stores are the same place. */
  readonly end: () => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Runs `work`, and checks meanwhile whether two of the stores are the same place under two names: then
 * one copy would count as two. If so, ends the work and throws "usage". The check writes only into
 * folders whose pointer has been read, and never waits for a slow store.
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

/** Null if no two stores are known to be the same place. */
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
      `${pair.join(" and ")} are the same place, so there is only one copy: remove one of them from --to`,
    );
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
