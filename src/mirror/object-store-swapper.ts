import {
  type Base,
  isSameBase,
  originMark,
  pointerBase,
  pointerLost,
  readBase,
  readBaseSinceNone,
} from "../repository/base.ts";
import { latestKey, originKey } from "../repository/layout.ts";
import { newOperationId } from "../repository/operation-id.ts";
import { encodePointer } from "../repository/pointer.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { PutCondition, RequestOptions } from "../store/object-store.ts";
import type { Commit } from "./events.ts";
import { operationFacts, StateSwapper } from "./state-swapper.ts";
import {
  operationCommit,
  operationMetadata,
  operationPointer,
  type SwapOperation,
} from "./swap-operation.ts";

/**
 * The swap protocol on an object store: a version is uploaded under a key of its own, then the
 * pointer moves, if it still is what it was before the node's state was read. Any number of writers
 * may swap in one folder. Source: the swap protocol, "One swap".
 */
export class ObjectStoreSwapper extends StateSwapper {
  /** Operations whose pointer was sent and whose outcome is not known. */
  readonly #inDoubt = new Set<string>();
  /** The base as it was last read, where that was `none`: what lay there need not be read again. */
  #none: Base | null = null;
  #originMarked = false;

  protected async readCurrent(signal?: AbortSignal): Promise<Base> {
    const base = await this.#readBaseAgain(this.#none, { signal });
    this.adopt(base);
    if (base.held?.sequence === 1) await this.#markOrigin(signal);
    return base;
  }

  protected newId(): string {
    const { clock, random } = this.options;
    return newOperationId(clock, random);
  }

  async advance(operation: SwapOperation, signal?: AbortSignal): Promise<Commit> {
    if (!operation.versionStored) {
      const metadata = operationMetadata(operation);
      await this.putVersion(operation, { condition: { kind: "absent" }, metadata, signal });
    }
    // A pointer that was created and deleted since the base was read must not be created again.
    const mayBeStale = operation.pointerSent || operation.base.kind === "none";
    if (mayBeStale && (await this.#landed(operation, signal))) {
      return operationCommit(operation);
    }
    return this.#putPointer(operation, signal);
  }

  async #putPointer(operation: SwapOperation, signal?: AbortSignal): Promise<Commit> {
    const { store, writer, node, clock } = this.options;
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
      this.adopt(pointerBase(pointer, etag));
      if (operation.sequence === 1) await this.#markOrigin(signal);
      return operationCommit(operation);
    } catch (error) {
      // Until the pointer is read again nothing is known of it.
      this.forgetBase();
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
    const { store, logger } = this.options;
    this.forgetBase();
    const had = operation.base;
    const base = await this.#readBaseAgain(had.kind === "none" ? had : null, { signal });
    if (base.kind === "none" && had.kind === "pointer") {
      throw pointerLost(store, `the base of ${operation.key}`);
    }
    const hasLanded =
      base.kind === "pointer" && base.pointer.recentOperations.includes(operation.id);
    if (hasLanded) this.#inDoubt.delete(operation.id);
    this.adopt(base);
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
    const { store } = this.options;
    return none === null ? readBase(store, options) : readBaseSinceNone(store, none, options);
  }

  protected override adopt(base: Base): void {
    if (base.kind === "pointer") {
      this.#checkNode(base.pointer.node);
      for (const id of this.#inDoubt) {
        if (!base.pointer.recentOperations.includes(id)) continue;
        this.#inDoubt.delete(id);
        this.options.logger.info({ operation: id }, "a swap that was in doubt has landed");
      }
    }
    super.adopt(base);
    this.#none = base.kind === "none" ? base : null;
  }

  #checkNode(held: { pubkey: string | null; network: string | null }): void {
    const { node, store } = this.options;
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
    const { store, logger, clock } = this.options;
    if (this.#originMarked) return;
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
