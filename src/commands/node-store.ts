import { storeOf } from "../app/destination.ts";
import type { Settings } from "../app/settings.ts";
import { openSource } from "../app/source.ts";
import type { NodeWitness, SnapshotSource } from "../chanbackup/snapshot.ts";
import { nodeTrouble } from "../checks/told.ts";
import { checkNodeName } from "../repository/layout.ts";
import { nodeFolders } from "../repository/node-folders.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { type RetryingReadsOptions, retryingReads } from "../store/retrying-store.ts";

export interface Surroundings {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** The folder of one node in a store, opened for reading. */
export interface NodeStore {
  readonly node: string;
  readonly store: ObjectStore;
  /** The running node, where `--from` named one. */
  readonly witness: NodeWitness | undefined;
  /** Its public key; null if it isn't asked or doesn't tell. */
  readonly pubkey: string | null;
  /** The `channel.backup` that `--from file:` named. */
  readonly file: SnapshotSource | null;
}

/**
 * Opens the node's folder, hands it to `use`, and closes all again. Which folder: `--node`, else the
 * node that `--from` names, else the only one that the store holds.
 */
export async function withNodeStore<T>(
  surroundings: Surroundings,
  use: (nodeStore: NodeStore) => Promise<T>,
  patience: Pick<RetryingReadsOptions, "maxTries" | "onRetry"> = {},
): Promise<T> {
  const { settings, signal, clock, random } = surroundings;
  const root = await storeOf(surroundings);
  try {
    const reading = retryingReads(root, { clock, random, ...patience });
    // The demo node lives only inside a run: there is nobody to ask.
    const isAsked = settings.from !== undefined && settings.from !== "demo";
    const source = isAsked ? await openNode(surroundings) : null;
    try {
      const pubkey = (await source?.identify(signal))?.pubkey ?? null;
      const node = checkNodeName(settings.node ?? pubkey ?? (await onlyNode(reading, signal)));
      const store = prefixedStore(reading, node);
      const file = settings.from?.startsWith("file:") === true ? source : null;
      return await use({ node, store, witness: source?.witness ?? undefined, pubkey, file });
    } finally {
      await source?.close();
    }
  } finally {
    await root.close();
  }
}

/**
 * As `withNodeStore`, for what looks at the store even if the node that `--from` names doesn't answer:
 * then `use` hears why.
 */
export async function withNodeOrWithout<T>(
  context: Surroundings,
  use: (nodeStore: NodeStore, nodeFailure: ScbError | undefined) => Promise<T>,
): Promise<T> {
  let failure: ScbError;
  try {
    return await withNodeStore(context, (nodeStore) => use(nodeStore, undefined));
  } catch (error) {
    if (!hasCode(error, ...nodeTrouble)) throw error;
    failure = error;
  }
  const settings = { ...context.settings, from: undefined };
  try {
    return await withNodeStore({ ...context, settings }, (nodeStore) => use(nodeStore, failure));
  } catch (error) {
    // Which folder is the node's, only the node could have said.
    throw hasCode(error, "usage") ? failure : error;
  }
}

/**
 * The same without the node of the settings, where that cannot be asked: for what needs none. Its
 * settings may have come with a mirror, and after a loss its node is gone. `onAway` hears why.
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
  // Who is asked for the channels needs no key, and a person's passphrase is not asked for twice.
  return openSource({ ...surroundings, observer, key: null });
}

async function onlyNode(store: ObjectStore, signal: AbortSignal): Promise<string> {
  const nodes = await nodeFolders(store, signal).catch(orNamed);
  const [only] = nodes;
  if (nodes.length === 1 && only !== undefined) return only;
  throw nodes.length === 0
    ? new ScbError(
        "not-found",
        `there are no backups in ${store.location}: check that this is the place, or start scb-mirror run`,
      )
    : new ScbError(
        "usage",
        `${store.location} holds the backups of ${nodes.length} nodes: choose one with --node (${nodes.join(", ")})`,
      );
}

/** The names of the folders can only be listed, and a credential need not be allowed to. */
function orNamed(error: unknown): never {
  if (!hasCode(error, "store-denied")) throw error;
  throw new ScbError(
    "store-denied",
    `${error.message}; where only listing is denied, name the node's folder with --node`,
    { cause: error },
  );
}
