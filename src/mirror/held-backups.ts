import type { BackupContents, InspectBackup } from "../chanbackup/backup-contents.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { HeldVersion } from "../repository/base.ts";
import { readHeld } from "../repository/version.ts";
import { hasCode } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";

export interface HeldBackupsOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Null where there is no running node to ask. */
  readonly witness: NodeWitness | null;
  /** Opens backups with a key, where there is one. */
  readonly inspect: InspectBackup | null;
  readonly logger: Logger;
}

/** Enough for the version that is current and what is on its way to replace it. */
const remembered = 4;

/**
 * What is in the version that the store holds, and what became of its channels. What we have let
 * pass ourselves is remembered, so that an ordinary swap reads nothing back.
 */
export class HeldBackups {
  readonly #options: HeldBackupsOptions;
  /** By the SHA-256 of the packed bytes, the newest last. */
  readonly #known = new Map<string, BackupContents & { readonly by: Candidate["verifiedBy"] }>();

  constructor(options: HeldBackupsOptions) {
    this.#options = options;
  }

  remember({ sha256, contents, verifiedBy }: Candidate): void {
    if (contents === null) return;
    this.#known.delete(sha256);
    this.#known.set(sha256, { ...contents, by: verifiedBy });
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > remembered) this.#known.delete(oldest);
  }

  /**
   * The channels of a version, by the word of the one who opened the candidate, so that like is
   * compared with like. Null where the version is damaged, or nobody is there to open it. Throws
   * "decrypt" for one of another node, and what the store and the node throw.
   */
  async contentsOf(
    held: HeldVersion,
    by: Candidate["verifiedBy"],
    signal?: AbortSignal,
  ): Promise<BackupContents | null> {
    const known = this.#known.get(held.sha256);
    if (known?.by === by) return known;
    const { store, witness, inspect, logger } = this.#options;
    const open = by === "key" ? inspect : witness && openWith(witness);
    if (open === null) return null;
    const stored = await readHeld(store, held, { signal });
    if (stored.kind === "missing" || stored.kind === "damaged") {
      logger.warn(
        { version: held.key },
        `${store.location}/${held.key} is ${stored.kind}, so its channels cannot be compared with the node's`,
      );
      return null;
    }
    try {
      return await open(stored.bytes, signal);
    } catch (error) {
      if (!hasCode(error, "decode")) throw error;
      logger.warn({ version: held.key }, `${held.key} cannot be compared: ${error.message}`);
      return null;
    }
  }

  /**
   * Of these channels, those that the node does not call closed. Without a node to ask nothing can be
   * said against any of them. Throws what the node throws.
   */
  async notClosed(points: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
    const { witness } = this.#options;
    if (witness === null || points.length === 0) return [];
    const closed = new Set(await witness.closedChannelPoints(signal));
    return points.filter((point) => !closed.has(point));
  }

  /** Whether the node itself says, now, that every channel of this version is closed. */
  async areAllClosed(held: HeldVersion, signal?: AbortSignal): Promise<boolean> {
    if (this.#options.witness === null) return false;
    try {
      const contents = await this.contentsOf(held, "lnd", signal);
      if (contents === null) return false;
      return (await this.notClosed(contents.channelPoints, signal)).length === 0;
    } catch (error) {
      if (hasCode(error, "decrypt", "node-unavailable", "node-denied", "node-locked")) return false;
      if (hasCode(error, "node-syncing", "node-untrusted")) return false;
      throw error;
    }
  }
}

function openWith(witness: NodeWitness) {
  return async (packed: Uint8Array, signal?: AbortSignal): Promise<BackupContents> => ({
    channelPoints: await witness.channelPointsOf(packed, signal),
    bareChannelPoints: null,
  });
}
