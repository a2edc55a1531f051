import { isEmptyMulti, type PackedMulti } from "../../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";

/** A node that can take a backup back. */
export interface RestorableNode {
  /** For people: `lnd at localhost:10009`. */
  readonly description: string;
  /** Restores the backup into the node. Resolves to how many channels were new to it. */
  restoreBackup(packed: PackedMulti, signal?: AbortSignal): Promise<number>;
}

/** A backup that is restored after the current one, for channels that only it holds. */
export interface AlsoPacked {
  readonly key: string;
  readonly packed: PackedMulti;
}

export interface HandedOver {
  /** How many channels the backups hold together, according to the node. */
  readonly channels: number;
  /** How many of them were new to the node; 0 the second time. */
  readonly restored: number;
  /** The other backups that couldn't be restored, by key, and why. */
  readonly failed: ReadonlyMap<string, ScbError>;
}

/**
 * Restores a backup, and then each older one that it needs, into a running node, which asks its peers to
 * close. First the node (`witness` is the same one) has to decrypt them. Throws "refused" if the node has
 * any of their channels open, because the peer would close it, or if they hold no channels; "decrypt" if
 * the node has another seed; and what the node throws for the first backup. If one of the others fails,
 * the rest are still restored.
 */
export async function handOver(
  node: RestorableNode,
  witness: NodeWitness,
  { packed, also }: { readonly packed: PackedMulti; readonly also: readonly AlsoPacked[] },
  signal: AbortSignal,
): Promise<HandedOver> {
  const points = new Set(await pointsIn(witness, packed, signal));
  const failed = new Map<string, ScbError>();
  const opened: AlsoPacked[] = [];
  for (const one of also) {
    const failure = await tried(async () => {
      for (const point of await pointsIn(witness, one.packed, signal)) points.add(point);
      opened.push(one);
    });
    if (failure !== null) failed.set(one.key, failure);
  }
  if (points.size === 0) {
    throw new ScbError(
      "refused",
      "this backup holds no channels, so there is nothing to restore: choose an older one (scb-mirror list shows them)",
    );
  }
  const alive = (await witness.openChannelPoints(signal)).filter((point) => points.has(point));
  if (alive.length > 0) {
    throw new ScbError(
      "refused",
      `${node.description} has ${alive.length} of the backup's ${points.size} channels open (${alive[0]}): restore only into a new node, created from the 24 words after the old one is lost for good; nothing was restored`,
    );
  }
  // An empty backup has nothing that lnd could restore.
  let restored = isEmptyMulti(packed) ? 0 : await node.restoreBackup(packed, signal);
  for (const one of opened) {
    const failure = await tried(async () => {
      restored += await node.restoreBackup(one.packed, signal);
    });
    if (failure !== null) failed.set(one.key, failure);
  }
  return { channels: points.size, restored, failed };
}

/** The error of a step that may fail; null if it did not. Throws "aborted" and defects. */
async function tried(step: () => Promise<void>): Promise<ScbError | null> {
  try {
    await step();
    return null;
  } catch (error) {
    const known = ScbError.from(error);
    if (known.code === "aborted" || known.code === "internal") throw known;
    return known;
  }
}

async function pointsIn(
  witness: NodeWitness,
  packed: PackedMulti,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return await witness.channelPointsOf(packed, signal);
  } catch (error) {
    if (!hasCode(error, "decrypt")) throw error;
    throw new ScbError(
      "decrypt",
      `${error.message}; nothing was restored: create the node again, from this backup's 24 words`,
      { cause: error },
    );
  }
}
