import { decodeTime } from "ulid";
import type { NodeIdentity } from "../chanbackup/snapshot.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import {
  type Base,
  isSameBase,
  originMark,
  pointerBase,
  pointerLost,
  readBase,
  readBaseSinceNone,
  readSingleWriterBase,
} from "../repository/base.ts";
import { latestKey, maxSequence, originKey } from "../repository/layout.ts";
import { newOperationId } from "../repository/operation-id.ts";
import { encodePointer } from "../repository/pointer.ts";
import { readVersion } from "../repository/version.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, PutCondition, RequestOptions } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { Commit } from "./events.ts";
import type { Guard } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";
import { HighWaterMark } from "./high-water-mark.ts";
import { isSameAlso, LimboCover } from "./limbo-cover.ts";
import { type LookResult, readBack } from "./look.ts";
import { Quarantine } from "./quarantine.ts";
import {
  newSwapOperation,
  operationCommit,
  operationMetadata,
  operationPointer,
  type SwapOperation,
} from "./swap-operation.ts";

export interface ObjectStoreSwapperOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Who commits, for people: program, host, process. */
  readonly writer: string;
  readonly node: NodeIdentity;
  readonly guards: readonly Guard[];
  /** What is in the versions that the store holds; null if nothing here can open them. */
  readonly heldBackups?: HeldBackups | null;
  /** For a store without conditional writes: versions only, no pointer. */
  readonly singleWriter: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * The swap protocol on an object store: a version is uploaded under a key of its own, then the
 * pointer moves, if it still is what it was before the node's state was read.
 *
 * Use: `base()`, then the snapshot, then `begin()`, then `advance()` until it resolves. A failure
 * with "store-busy" or "store-unknown" leaves the operation as it is: wait and advance it again, or
 * drop it for a newer snapshot. "superseded" means that another writer moved the pointer: begin anew
 * from `base()`. Any other code is final. Nothing is ever deleted.
 */
export class ObjectStoreSwapper {
  readonly #options: ObjectStoreSwapperOptions;
  readonly #quarantine: Quarantine;
  readonly #mark: HighWaterMark;
  /** Null if nothing can open a version: then what the base names besides is carried on. */
  readonly #limboCover: LimboCover | null;
  /** Operations whose pointer was sent and whose outcome is not known. */
  readonly #inDoubt = new Set<string>();
  #base: Base | null = null;
  /** The base as it was last read, where that was `none`: what lay there need not be read again. */
  #none: Base | null = null;
  #originMarked = false;
  /** Without a pointer the greatest id is the newest of those that have one sequence. */
  #earliestIdMs = 0;

  constructor(options: ObjectStoreSwapperOptions) {
    this.#options = options;
    const { store, clock, logger, heldBackups = null } = options;
    this.#quarantine = new Quarantine(store, clock);
    this.#mark = new HighWaterMark(store.location);
    this.#limboCover = heldBackups && new LimboCover({ store, heldBackups, logger });
  }

  /**
   * What the next swap replaces: cached between swaps, read strongly where nothing is cached.
   * Take it before the snapshot. Throws "wrong-node" when the folder is another node's.
   */
  async base(signal?: AbortSignal): Promise<Base> {
    if (this.#base !== null) return this.#base;
    const { store, singleWriter } = this.#options;
    const base = await (singleWriter
      ? readSingleWriterBase(store, { signal })
      : this.#readBaseAgain(this.#none, { signal }));
    this.#adopt(base);
    if (base.held?.sequence === 1) await this.#markOrigin(signal);
    return base;
  }

  /** As `base`, and always read: for who is about to say that the store holds it. */
  async readBase(signal?: AbortSignal): Promise<Base> {
    this.#base = null;
    return this.base(signal);
  }

  /** The alarm that the store lost what this process committed, once; null if there is none. */
  takeSetback(): ScbError | null {
    return this.#mark.takeSetback();
  }

  /**
   * Reads the pointer strongly and, with "version", what it names, whole: for who is about to say that
   * the store holds the node's state. A version that another writer made current is always read. Throws
   * as `base` does.
   */
  async look(depth: "pointer" | "version", signal?: AbortSignal): Promise<LookResult> {
    const { store, heldBackups = null } = this.#options;
    const before = this.#base;
    const base = await this.readBase(signal);
    const isKnown = before !== null && isSameBase(before, base);
    if (depth === "pointer" && isKnown) return { kind: "confirmed", base };
    const result = await readBack(base, { store, heldBackups, signal });
    if (result.kind === "save-anew") this.#limboCover?.forget(result.key);
    return result;
  }

  /** Whether the base names what a restore of the candidate needs besides, and nothing else. */
  async isCovered(base: Base, candidate: Candidate, signal?: AbortSignal): Promise<boolean> {
    const needed = await this.#alsoRestoreFor(base, candidate, signal);
    return isSameAlso(needed, base.held?.alsoRestore ?? []);
  }

  /** Closed channels whose funds aren't home, and which no version holds. */
  get uncovered(): readonly string[] {
    return this.#limboCover?.uncovered ?? [];
  }

  async #alsoRestoreFor(
    base: Base,
    candidate: Candidate,
    signal?: AbortSignal,
  ): Promise<readonly AlsoRestore[]> {
    if (this.#limboCover === null) return base.held?.alsoRestore ?? [];
    return this.#limboCover.alsoRestoreFor(base, candidate, signal);
  }

  /**
   * Passes the guards and makes an operation. Throws "refused" for a candidate that a guard holds
   * back; it is kept under `quarantine/` then, once for each reason and content. Throws "superseded"
   * as `advance` does, and what a guard throws.
   */
  async begin(base: Base, candidate: Candidate, signal?: AbortSignal): Promise<SwapOperation> {
    const { store, clock, random, guards, singleWriter } = this.#options;
    const id = newOperationId(clock, random, this.#earliestIdMs);
    if (singleWriter) this.#earliestIdMs = decodeTime(id) + 1;
    for (const guard of guards) {
      const refusal = await guard(candidate, base, signal);
      if (refusal === null) continue;
      await this.#confirmBase(base, signal);
      throw await this.#quarantine.refuse(id, candidate, base, refusal, signal);
    }
    if (base.held?.sequence === maxSequence) {
      throw new ScbError(
        "pointer-damaged",
        `the pointer of ${store.location} names sequence ${maxSequence}, the last that there can be, so somebody made it up; nothing was changed: look at who else writes there, then at scb-mirror repair`,
      );
    }
    const alsoRestore = await this.#alsoRestoreFor(base, candidate, signal);
    return newSwapOperation(id, base, candidate, alsoRestore);
  }

  /**
   * A refusal counts against what the store has now, for somebody may have accepted the candidate
   * meanwhile. Throws "superseded" when the pointer has moved. While the store cannot be read, the
   * refusal stands.
   */
  async #confirmBase(base: Base, signal?: AbortSignal): Promise<void> {
    let now: Base;
    try {
      now = await this.readBase(signal);
    } catch (error) {
      if (hasCode(error, "store-busy", "store-unknown")) return;
      throw error;
    }
    if (isSameBase(now, base)) return;
    throw new ScbError(
      "superseded",
      `the current version of ${this.#options.store.location} is no longer the one that the node's backup was compared with`,
    );
  }

  /** Brings the operation one attempt further. Resolves only on a commit that is known. */
  async advance(operation: SwapOperation, signal?: AbortSignal): Promise<Commit> {
    if (!operation.versionStored) {
      // Without a pointer a version is current as soon as it lands, whatever the answer says.
      if (this.#options.singleWriter) this.#base = null;
      await this.#putVersion(operation, signal);
      operation.versionStored = true;
    }
    if (this.#options.singleWriter) return this.#commitNewest(operation);
    // A pointer that was created and deleted since the base was read must not be created again.
    const mayBeStale = operation.pointerSent || operation.base.kind === "none";
    if (mayBeStale && (await this.#landed(operation, signal))) {
      return operationCommit(operation);
    }
    return this.#putPointer(operation, signal);
  }

  async #putVersion(operation: SwapOperation, signal?: AbortSignal): Promise<void> {
    const { store, singleWriter, logger } = this.#options;
    const { packed, sha256 } = operation.candidate;
    try {
      await store.put(operation.key, packed, {
        ...(singleWriter ? {} : { condition: { kind: "absent" } }),
        metadata: operationMetadata(operation, singleWriter),
        contentType: "application/octet-stream",
        signal,
      });
      return;
    } catch (error) {
      // The key holds our operation id, so whatever is there is ours from an answer that was lost.
      if (!hasCode(error, "store-precondition", "store-unknown")) throw error;
      const stored = await readVersion(store, { key: operation.key, sha256 }, { signal });
      const facts = operationFacts(operation);
      if (stored.kind === "missing") {
        logger.info(facts, "the upload's answer was not clear, and the version is not there");
        throw new ScbError(
          "store-unknown",
          `the upload of ${operation.key} to ${store.location} got no clear answer and has not landed`,
          { cause: error },
        );
      }
      if (stored.kind === "damaged") {
        throw new ScbError(
          "version-damaged",
          `${store.location}/${operation.key} holds other bytes than were sent (${stored.bytes.length} of ${packed.length}); the pointer was not moved: this store cannot be trusted with backups`,
          { cause: error },
        );
      }
      logger.info(facts, "the upload's answer was lost, and the version is there, whole");
    }
  }

  async #putPointer(operation: SwapOperation, signal?: AbortSignal): Promise<Commit> {
    const { store, writer, node, clock } = this.#options;
    const { base } = operation;
    const condition: PutCondition =
      base.kind === "pointer" ? { kind: "match", etag: base.etag } : { kind: "absent" };
    const pointer = operationPointer(operation, writer, node, clock.now());
    operation.pointerSent = true;
    this.#inDoubt.add(operation.id);
    try {
      const { etag } = await store.put(latestKey, encodePointer(pointer), {
        condition,
        contentType: "application/json",
        signal,
      });
      this.#inDoubt.delete(operation.id);
      this.#adopt(pointerBase(pointer, etag));
      if (operation.sequence === 1) await this.#markOrigin(signal);
      return operationCommit(operation);
    } catch (error) {
      // Until the pointer is read again nothing is known of it.
      this.#base = null;
      if (hasCode(error, "store-missing")) throw pointerLost(store, `the base of ${operation.key}`);
      if (!hasCode(error, "store-precondition", "store-unknown")) throw error;
      if (await this.#landed(operation, signal)) return operationCommit(operation);
      throw new ScbError(
        "store-unknown",
        `the pointer's move to ${operation.key} in ${store.location} got no clear answer and has not landed`,
        { cause: error },
      );
    }
  }

  /**
   * Reads the pointer to learn what became of an operation whose pointer was sent. True: committed.
   * False: the base is unchanged, so it may be sent again. Throws "superseded" when another
   * operation has replaced the base.
   */
  async #landed(operation: SwapOperation, signal?: AbortSignal): Promise<boolean> {
    const { store, logger } = this.#options;
    this.#base = null;
    const had = operation.base;
    const base = await this.#readBaseAgain(had.kind === "none" ? had : null, { signal });
    if (base.kind === "none" && had.kind === "pointer") {
      throw pointerLost(store, `the base of ${operation.key}`);
    }
    const hasLanded =
      base.kind === "pointer" && base.pointer.recentOperations.includes(operation.id);
    if (hasLanded) this.#inDoubt.delete(operation.id);
    this.#adopt(base);
    const facts = operationFacts(operation);
    if (base.kind !== "pointer" || isSameBase(base, had)) {
      if (operation.pointerSent) {
        logger.info(facts, "the commit's answer was not clear, and the pointer has not moved");
      }
      return false;
    }
    if (hasLanded) {
      logger.info(facts, "the commit's answer was lost, and the pointer shows that it landed");
      return true;
    }
    logger.info(
      {
        ...facts,
        pointerOperation: base.pointer.operation,
        pointerSequence: base.pointer.sequence,
        writer: base.pointer.writer,
      },
      "another writer moved the pointer first: a new snapshot is taken",
    );
    throw new ScbError(
      "superseded",
      `another writer (${base.pointer.writer}) moved the pointer of ${store.location} first`,
    );
  }

  #readBaseAgain(none: Base | null, options: RequestOptions): Promise<Base> {
    const { store } = this.#options;
    return none === null ? readBase(store, options) : readBaseSinceNone(store, none, options);
  }

  #commitNewest(operation: SwapOperation): Commit {
    const { candidate } = operation;
    this.#base = {
      kind: "newest",
      held: {
        sequence: operation.sequence,
        key: operation.key,
        sizeBytes: candidate.packed.length,
        sha256: candidate.sha256,
        committedAt: this.#options.clock.now(),
        savedAt: this.#options.clock.now(),
        channelPointsSha256: candidate.channelPointsSha256,
        bareChannels: candidate.bareChannels,
        alsoRestore: operation.alsoRestore,
      },
    };
    return operationCommit(operation);
  }

  /** Caches a base that was read from the store, or that our own commit made. */
  #adopt(base: Base): void {
    if (base.kind === "pointer") {
      this.#checkNode(base.pointer.node);
      for (const id of this.#inDoubt) {
        if (!base.pointer.recentOperations.includes(id)) continue;
        this.#inDoubt.delete(id);
        this.#options.logger.info({ operation: id }, "a swap that was in doubt has landed");
      }
    }
    this.#mark.see(base);
    this.#base = base;
    this.#none = base.kind === "none" ? base : null;
  }

  #checkNode(held: { pubkey: string | null; network: string | null }): void {
    const { node, store } = this.#options;
    for (const field of ["network", "pubkey"] as const) {
      const ours = node[field];
      const theirs = held[field];
      if (ours === null || theirs === null || ours === theirs) continue;
      throw new ScbError(
        "wrong-node",
        `this node's ${field} is ${ours}, but the backups in ${store.location} are of ${theirs}; nothing was changed: check --network and --node, and give each node a folder of its own`,
      );
    }
  }

  /** After the first commit ever: see `originKey`. A failure is made up for by the next `base()`. */
  async #markOrigin(signal?: AbortSignal): Promise<void> {
    const { store, logger, clock, singleWriter } = this.#options;
    if (this.#originMarked || singleWriter) return;
    try {
      await store.put(originKey, originMark(clock.now()), {
        condition: { kind: "absent" },
        contentType: "application/json",
        signal,
      });
      this.#originMarked = true;
    } catch (error) {
      this.#originMarked = hasCode(error, "store-precondition");
      if (this.#originMarked) return;
      logger.warn({ err: ScbError.from(error) }, "the mark of the first commit is not written yet");
    }
  }
}

/** What tells an operation in the log. A field named "key" would be taken for a secret. */
function operationFacts({ id, sequence, key }: SwapOperation): {
  readonly operation: string;
  readonly sequence: number;
  readonly version: string;
} {
  return { operation: id, sequence, version: key };
}
