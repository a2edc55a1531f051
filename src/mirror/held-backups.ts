import type { BackupContents, InspectBackup } from "../chanbackup/backup-contents.ts";
import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { Base, HeldVersion } from "../repository/base.ts";
import { type ExpectedVersion, readVersion } from "../repository/version.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";

export interface HeldBackupsOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Null if there is no running node to ask. */
  readonly witness: NodeWitness | null;
  /** Opens backups with a key, if there is one. */
  readonly inspect: InspectBackup | null;
  /** The public key of the node being backed up; null if its source doesn't tell. */
  readonly pubkey?: string | null | undefined;
  readonly logger: Logger;
}

/** With these errors, the node's answer isn't known. */
const unansweredCodes = [
  "node-unavailable",
  "node-denied",
  "node-locked",
  "node-syncing",
  "node-untrusted",
] as const;

/** Enough for the current version and those on their way to replace it. */
const remembered = 4;

/**
 * Knows what is in the versions that the store holds, and which of their channels have closed. Contents
 * that this process let pass are remembered, so that an ordinary swap reads nothing back.
 */
export class HeldBackups {
  readonly #options: HeldBackupsOptions;
  /** Keyed by the SHA-256 of the packed bytes, newest last. */
  readonly #known = new Map<string, BackupContents & { readonly by: Candidate["verifiedBy"] }>();

  /** What the node calls closed, asked once for each candidate, after its snapshot was taken. */
  readonly #closed = new WeakMap<Candidate, ReadonlySet<string>>();

  constructor(options: HeldBackupsOptions) {
    this.#options = options;
  }

  remember({ sha256, contents, verifiedBy }: Candidate): void {
    if (contents !== null) this.#remember(sha256, contents, verifiedBy);
  }

  #remember(sha256: string, contents: BackupContents, by: Candidate["verifiedBy"]): void {
    this.#known.delete(sha256);
    this.#known.set(sha256, { ...contents, by });
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > remembered) this.#known.delete(oldest);
  }

  /**
   * The channels of a version. `by` must be what opened the candidate, so that the two lists come from
   * the same source. Null if the version is damaged or nothing can open it. Throws "decrypt" for another
   * node's version, and what the store and the node throw.
   */
  async contentsOf(
    version: ExpectedVersion,
    by: Candidate["verifiedBy"],
    signal?: AbortSignal,
  ): Promise<(BackupContents & { readonly sha256: string }) | null> {
    const { sha256 = null, key } = version;
    const known = sha256 === null ? undefined : this.#known.get(sha256);
    if (sha256 !== null && known?.by === by) return { ...known, sha256 };
    const { store, witness, inspect, logger } = this.#options;
    const open = by === "key" ? inspect : witness && openWith(witness);
    if (open === null) return null;
    const stored = await readVersion(store, version, { signal });
    if (stored.kind === "missing" || stored.kind === "damaged") {
      logger.warn(
        { version: key },
        `${store.location}/${key} is ${stored.kind}, so its channels can't be compared with the node's`,
      );
      return null;
    }
    try {
      return { ...(await open(stored.bytes, signal)), sha256: stored.sha256 };
    } catch (error) {
      if (!hasCode(error, "decode")) throw error;
      logger.warn(
        { version: key },
        `${key} can't be compared with the node's backup: ${error.message}`,
      );
      return null;
    }
  }

  /**
   * Reads the version from the store now and opens it with whatever can. Null for another node's version
   * too.
   */
  async openVersion({ sha256, ...version }: ExpectedVersion, signal?: AbortSignal) {
    const by = this.#options.witness === null ? "key" : "lnd";
    const opened = await this.#openOrNull(version, by, signal);
    return sha256 && opened?.sha256 !== sha256 ? null : opened;
  }

  /**
   * The channels to compare a candidate with: those in the base's current version. If that version is
   * missing or damaged, or doesn't open although the folder is our own node's, the version before it
   * takes its place, so that damage in the store doesn't bypass the guards. Null if neither can be read.
   * Throws "decrypt" if the folder is another node's.
   */
  async baselineOf(
    base: Base,
    by: Candidate["verifiedBy"],
    signal?: AbortSignal,
  ): Promise<BackupContents | null> {
    const { held } = base;
    if (held === null) return null;
    let sealed: unknown = null;
    const open = async (version: ExpectedVersion): Promise<BackupContents | null> => {
      try {
        return await this.contentsOf(version, by, signal);
      } catch (error) {
        if (!hasCode(error, "decrypt")) throw error;
        sealed = error;
        return null;
      }
    };
    const contents = await open(held);
    if (contents !== null) return contents;
    const { pointer = null } = base.kind === "pointer" ? base : {};
    const previous = pointer?.previous ? await open(pointer.previous) : null;
    if (previous !== null || sealed === null) return previous;
    const { pubkey = null } = this.#options;
    if (pubkey !== null && pointer?.node.pubkey === pubkey) return null;
    throw sealed;
  }

  async #openOrNull(
    version: ExpectedVersion,
    by: Candidate["verifiedBy"],
    signal: AbortSignal | undefined,
  ): Promise<(BackupContents & { readonly sha256: string }) | null> {
    try {
      return await this.contentsOf(version, by, signal);
    } catch (error) {
      if (hasCode(error, "decrypt")) return null;
      throw error;
    }
  }

  /**
   * Those of `points` that the node doesn't call closed. Without a node to ask, none, since nothing can
   * be said against them. Throws what the node throws.
   */
  async notClosed(points: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
    const { witness } = this.#options;
    if (witness === null || points.length === 0) return [];
    const closed = new Set(await witness.closedChannelPoints(signal));
    return points.filter((point) => !closed.has(point));
  }

  /**
   * As `notClosed`, for points that this candidate lacks. However many backups it is compared with, the node
   * is asked once: what it calls closed stays closed.
   */
  async notClosedBeside(
    candidate: Candidate,
    points: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const { witness } = this.#options;
    if (witness === null || points.length === 0) return [];
    const closed =
      this.#closed.get(candidate) ?? new Set(await witness.closedChannelPoints(signal));
    this.#closed.set(candidate, closed);
    return points.filter((point) => !closed.has(point));
  }

  /**
   * The contents of a version that this process made or opened recently; null for any other. Does no I/O.
   */
  knownContents(
    sha256: string,
  ): (BackupContents & { readonly by: Candidate["verifiedBy"] }) | null {
    return this.#known.get(sha256) ?? null;
  }

  /** Whether this process made or opened these bytes, so that nothing else has to open them. */
  isKnown(sha256: string): boolean {
    return this.#known.has(sha256);
  }

  /**
   * Whether the key, or without one the node, opens these bytes; null if neither exists or can be asked
   * now.
   */
  async opens(packed: Uint8Array, signal?: AbortSignal): Promise<boolean | null> {
    const { witness, inspect } = this.#options;
    const open = inspect ?? (witness && openWith(witness));
    if (open === null) return null;
    try {
      const contents = await open(packed, signal);
      this.#remember(sha256Hex(packed), contents, inspect === null ? "lnd" : "key");
      return true;
    } catch (error) {
      if (hasCode(error, "decrypt", "decode")) return false;
      if (hasCode(error, ...unansweredCodes)) return null;
      throw error;
    }
  }

  /** Whether the node itself says, now, that all these channels are closed. */
  async areClosed(points: readonly string[], signal?: AbortSignal): Promise<boolean> {
    if (this.#options.witness === null) return false;
    try {
      return (await this.notClosed(points, signal)).length === 0;
    } catch (error) {
      if (hasCode(error, ...unansweredCodes)) return false;
      throw error;
    }
  }

  /** Whether the node itself says, now, that every channel of this version is closed. */
  async areAllClosed(held: HeldVersion, signal?: AbortSignal): Promise<boolean> {
    if (this.#options.witness === null) return false;
    try {
      const contents = await this.contentsOf(held, "lnd", signal);
      return contents !== null && (await this.areClosed(contents.channelPoints, signal));
    } catch (error) {
      if (hasCode(error, "decrypt", ...unansweredCodes)) return false;
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
