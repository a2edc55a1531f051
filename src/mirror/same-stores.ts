import { probePrefix } from "../repository/layout.ts";
import { newOperationId } from "../repository/operation-id.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";

export interface SameStoresOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The limit for the whole check. What isn't known by then is reported as unknown. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Which of several names denote the same place. */
export interface SameStores {
  /** Pairs of names of the same place, in the order of the stores. */
  readonly same: readonly (readonly [string, string])[];
  /** Stores that couldn't be written or read, so nothing is known about them. */
  readonly unknown: readonly { readonly name: string; readonly error: ScbError }[];
}

/** Far more than a token: a server that answers every read may answer with a whole page. */
const maxBytes = 4096;
const cleanUpMs = 2_000;

/**
 * Finds two names of the same store: writes a fresh token through each name, and reads it through the
 * others. Only a token's exact bytes prove that two stores are the same, because a server may answer any
 * read. `stores` are the same node's folder in each store. Deletes what it wrote, if the credential may.
 * Throws "aborted" and defects.
 */
export async function sameStores(
  stores: readonly { readonly name: string; readonly store: ObjectStore }[],
  options: SameStoresOptions,
): Promise<SameStores> {
  const { clock, random, timeoutMs, signal } = options;
  const failures = new Map<string, ScbError>();
  const late = (): ScbError =>
    new ScbError("store-unknown", `it did not answer within ${timeoutMs / 1000} s`);
  const endsMs = clock.monotonicMs() + timeoutMs;
  /** Null if the request fails, so that the other stores can still be compared. */
  const tried = async <T>(name: string, ask: (within: AbortSignal) => Promise<T>) => {
    const ms = Math.max(0, endsMs - clock.monotonicMs());
    try {
      return await withinDeadline({ clock, ms, signal, late }, (deadline) => ask(deadline.signal));
    } catch (thrown) {
      const error = ScbError.from(thrown);
      if (error.code === "aborted" || error.code === "internal") throw error;
      failures.set(name, error);
      return null;
    }
  };

  const tokens = stores.map(({ name, store }) => {
    const key = `${probePrefix}${newOperationId(clock, random)}/token`;
    const secret = Buffer.from(random.bytes(16)).toString("hex");
    const text = `scb-mirror checks whether two stores are the same, safe to delete: ${secret}\n`;
    return { name, store, key, bytes: Buffer.from(text) };
  });
  const same: [string, string][] = [];
  const unknown = new Set<string>();
  try {
    const written = await Promise.all(
      tokens.map(async (token) => {
        const put = (within: AbortSignal) =>
          token.store.put(token.key, token.bytes, { contentType: "text/plain", signal: within });
        return (await tried(token.name, put)) === null ? null : token;
      }),
    );
    const read = (reader: Token, writer: Token | null | undefined) =>
      writer == null ? null : tried(reader.name, (within) => holds(reader.store, writer, within));
    const pairs = tokens.flatMap((a, at) =>
      tokens
        .slice(at + 1)
        .map((b, after) => ({ a, b, ofA: written[at], ofB: written[at + 1 + after] })),
    );
    await Promise.all(
      pairs.map(async ({ a, b, ofA, ofB }) => {
        // A read-only credential can still see what was written through the other name.
        const answers = await Promise.all([read(b, ofA), read(a, ofB)]);
        if (answers.includes(true)) same.push([a.name, b.name]);
        else if (!answers.includes(false)) {
          for (const { name } of [a, b]) if (failures.has(name)) unknown.add(name);
        }
      }),
    );
  } finally {
    await Promise.all(tokens.map((token) => cleanUp(token, clock)));
  }
  const isUnknown = ([name]: readonly [string, ScbError]): boolean => unknown.has(name);
  return {
    same: same.sort(),
    unknown: [...failures].filter(isUnknown).map(([name, error]) => ({ name, error })),
  };
}

interface Token {
  readonly name: string;
  readonly store: ObjectStore;
  readonly key: string;
  readonly bytes: Buffer;
}

/**
 * Runs after a stop too, and after a put whose answer was lost. What the credential may not delete stays.
 */
async function cleanUp({ store, key }: Token, clock: Clock): Promise<void> {
  const late = (): ScbError => new ScbError("store-unknown", "it did not answer in time");
  try {
    const work = ({ signal }: { readonly signal: AbortSignal }) => store.delete(key, { signal });
    await withinDeadline({ clock, ms: cleanUpMs, late }, work);
  } catch (error) {
    if (!(error instanceof ScbError)) throw error;
  }
}

async function holds(
  store: ObjectStore,
  { key, bytes }: Token,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const object = await store.get(key, { maxBytes, signal });
    return object !== null && bytes.equals(object.bytes);
  } catch (error) {
    if (error instanceof ScbError && error.code === "store-too-large") return false;
    throw error;
  }
}
