import { closeAll, type NamedStore, storesOf } from "../app/destination.ts";
import type { Settings } from "../app/settings.ts";
import { openSource } from "../app/source.ts";
import type { NodeWitness, SnapshotSource } from "../chanbackup/snapshot.ts";
import { nodeTrouble } from "../checks/told.ts";
import { checkNodeName } from "../repository/layout.ts";
import { nodeFolders } from "../repository/node-folders.ts";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { failedStore } from "../store/failed-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { type RetryingReadsOptions, retryingReads } from "../store/retrying-store.ts";
import { inEachStore } from "./each-store.ts";

export interface Surroundings {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** The folder of one node in one of the stores that `--to` names, opened for reading. */
export interface NodeStore {
  /** The store's name in messages: see `storeName`. */
  readonly name: string;
  /** As `--to` gave it. Holds no secret. */
  readonly to: string;
  readonly node: string;
  readonly store: ObjectStore;
  /** The running node, if `--from` names one. The same for all stores. */
  readonly witness: NodeWitness | undefined;
  /** Its public key; null if not known. */
  readonly pubkey: string | null;
  /** The `channel.backup` that `--from file:` named. */
  readonly file: SnapshotSource | null;
}

/** One for each store, in the order of `--to`. */
export type NodeStores = readonly [NodeStore, ...NodeStore[]];

export interface Patience extends Pick<RetryingReadsOptions, "maxTries" | "onRetry"> {
  /** With several stores: how long each may take to say which nodes it holds. */
  readonly namingMs?: number | undefined;
}

/**
 * Opens the node's folder in each store, passes them to `use`, and closes everything again. The folder is
 * `--node`, else that of the node that `--from` names, else the only one in the stores. If one of several
 * stores doesn't answer, it is still opened, and every request to it throws the reason.
 */
export async function withNodeStores<T>(
  surroundings: Surroundings,
  use: (stores: NodeStores) => Promise<T>,
  { namingMs, ...patience }: Patience = {},
): Promise<T> {
  const { settings, signal, clock, random } = surroundings;
  const roots = await storesOf(surroundings);
  try {
    const reading = roots.map(({ name, store }) => ({
      name,
      store: retryingReads(store, { clock, random, ...patience }),
    }));
    // The demo node exists only inside a run, so it can't be asked.
    const isAsked = settings.from !== undefined && settings.from !== "demo";
    const source = isAsked ? await openNode(surroundings) : null;
    try {
      const pubkey = (await source?.identify(signal))?.pubkey ?? null;
      const named = settings.node ?? pubkey;
      const { node, unread } =
        named === null
          ? await onlyNode(reading, { ...surroundings, namingMs })
          : { node: checkNodeName(named), unread: new Map<string, ScbError>() };
      const file = settings.from?.startsWith("file:") === true ? source : null;
      const [first, ...others] = reading.map(({ name, store }, index): NodeStore => {
        const failure = unread.get(name);
        const root = failure === undefined ? store : failedStore(store, failure);
        const to = settings.to?.[index] ?? "";
        const folder = prefixedStore(root, node);
        return {
          name,
          to,
          node,
          store: folder,
          witness: source?.witness ?? undefined,
          pubkey,
          file,
        };
      });
      if (first === undefined) throw new ScbError("internal", "no store was opened");
      return await use([first, ...others]);
    } finally {
      await source?.close();
    }
  } finally {
    await closeAll(roots);
  }
}

/** Like `withNodeStores`, for exactly one store. Throws "usage" if several are named. */
export function withNodeStore<T>(
  surroundings: Surroundings,
  use: (nodeStore: NodeStore) => Promise<T>,
  patience?: Patience,
): Promise<T> {
  const useOne = ([store, another]: NodeStores): Promise<T> => {
    if (another === undefined) return use(store);
    throw new ScbError("usage", "this command works on one store: give --to once");
  };
  return withNodeStores(surroundings, useOne, patience);
}

/**
 * Like `withNodeStores`, but if the node that `--from` names doesn't answer, runs `use` without it and
 * passes the reason.
 */
export async function withNodeOrWithout<T>(
  context: Surroundings,
  use: (stores: NodeStores, nodeFailure: ScbError | undefined) => Promise<T>,
  patience?: Patience,
): Promise<T> {
  let failure: ScbError;
  try {
    return await withNodeStores(context, (stores) => use(stores, undefined), patience);
  } catch (error) {
    if (!hasCode(error, ...nodeTrouble)) throw error;
    failure = error;
  }
  const settings = { ...context.settings, from: undefined };
  try {
    const without = { ...context, settings };
    return await withNodeStores(without, (stores) => use(stores, failure), patience);
  } catch (error) {
    // Only the node could have said which folder is its own.
    throw hasCode(error, "usage") ? failure : error;
  }
}

/**
 * Drops the node from the settings if it can't be asked, for commands that don't need it: after a loss, the
 * mirror's settings may still name a node that is gone. Calls `onAway` with the reason.
 */
export async function withoutAbsentNode<Context extends Surroundings>(
  context: Context,
  onAway: (error: ScbError) => void,
): Promise<Context> {
  const { settings, signal } = context;
  if (settings.from === undefined || settings.from === "demo") return context;
  try {
    const source = await openNode(context);
    try {
      await source.identify(signal);
    } finally {
      await source.close();
    }
    return context;
  } catch (error) {
    if (hasCode(error, "aborted")) throw error;
    onAway(ScbError.from(error));
    const { from: _, ...others } = settings;
    return { ...context, settings: others };
  }
}

function openNode(surroundings: Surroundings): Promise<SnapshotSource> {
  const observer = { trouble: () => undefined, recovered: () => undefined };
  // Asking for channels needs no key, and a person shouldn't be asked for a passphrase twice.
  return openSource({ ...surroundings, observer, key: null });
}

/** The only node in the stores, and the stores that couldn't be listed, with the reason. */
async function onlyNode(
  stores: readonly NamedStore[],
  { clock, signal, namingMs = Infinity }: Surroundings & Pick<Patience, "namingMs">,
): Promise<{ readonly node: string; readonly unread: ReadonlyMap<string, ScbError> }> {
  const late = (): ScbError =>
    new ScbError("store-unknown", `it didn't list its nodes within ${namingMs / 1000} s`);
  const found = await inEachStore(stores, async ({ store }) => {
    const folders = (within: AbortSignal) => nodeFolders(store, within).catch(orNamed);
    if (stores.length === 1 || namingMs === Infinity) return folders(signal);
    return withinDeadline({ clock, ms: namingMs, signal, late }, (deadline) =>
      folders(deadline.signal),
    );
  });
  const nodes = [...new Set(found.flatMap((one) => (one.known ? one.value : [])))];
  const [only] = nodes;
  if (nodes.length === 1 && only !== undefined) {
    // A store that denies listing can still be read, now that the folder's name is known.
    const unread = found.flatMap(({ name, ...one }) =>
      one.known || one.error.code === "store-denied" ? [] : [[name, one.error] as const],
    );
    return { node: only, unread: new Map(unread) };
  }
  const failures = found.flatMap(({ name, ...one }) =>
    one.known ? [] : [`; ${name} couldn't be read: ${one.error.message}`],
  );
  const where = stores.map(({ store }) => store.location).join(" or ");
  if (nodes.length === 0) {
    throw new ScbError(
      "not-found",
      `there are no backups in ${where}: check --to, or start scb-mirror run${failures.join("")}`,
    );
  }
  const [store, another] = stores;
  const isOne = store !== undefined && another === undefined;
  const holders = isOne ? store.store.location : "the stores together";
  const holdersOf = (node: string): string =>
    found
      .flatMap(({ name, ...one }) => (one.known && one.value.includes(node) ? name : []))
      .join(", ");
  const choices = isOne ? nodes : nodes.map((node) => `${node} in ${holdersOf(node)}`);
  throw new ScbError(
    "usage",
    `${isOne ? `${holders} holds` : `${holders} hold`} the backups of ${nodes.length} nodes: choose one with --node (${choices.join(isOne ? ", " : "; ")})`,
  );
}

/** Only a listing shows the folders' names, and the credential may not be allowed to list. */
function orNamed(error: unknown): never {
  if (!hasCode(error, "store-denied")) throw error;
  throw new ScbError(
    "store-denied",
    `${error.message}; if only listing is denied, name the node's folder with --node`,
    { cause: error },
  );
}
