import type { PackedMulti } from "../../chanbackup/packed-multi.ts";
import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";

/** A node that can take a backup back. */
export interface RestorableNode {
  /** For people: `lnd at localhost:10009`. */
  readonly description: string;
  /** Gives the backup to the node, and how many channels it had not known. */
  restoreBackup(packed: PackedMulti, signal?: AbortSignal): Promise<number>;
}

export interface HandedOver {
  /** How many channels the backup holds, by the node's own word. */
  readonly channels: number;
  /** How many of them the node did not have; none the second time. */
  readonly restored: number;
}

/**
 * Gives a backup to a running node, which then asks its peers to close. The node (`witness` is the
 * same one) has to open it first. Throws "refused" where the node still has channels of it open, for
 * their peers would close them, and where it holds none; "decrypt" where the node's seed is another;
 * and what the node throws.
 */
export async function handOver(
  node: RestorableNode,
  witness: NodeWitness,
  packed: PackedMulti,
  signal: AbortSignal,
): Promise<HandedOver> {
  const points = new Set(await pointsIn(witness, packed, signal));
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
      `${node.description} has ${alive.length} of the backup's ${points.size} channels open (${alive[0]}): a restore is for a new node, made from the words when the old one is gone for good; nothing was restored`,
    );
  }
  return { channels: points.size, restored: await node.restoreBackup(packed, signal) };
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
      `${error.message}; nothing was restored: make the node anew, from this backup's 24 words`,
      { cause: error },
    );
  }
}
