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
 * The swap protocol on an object store: uploads a version under its own key, then moves the pointer if it
 * hasn't moved since the node's state was read. Any number of writers may swap in one folder. Source:
 * docs/protocol.md, "Writing: one swap".
 */
export class ObjectStoreSwapper extends StateSwapper {
  /** Operations whose pointer was sent, with unknown outcome. */
  readonly #inDoubt = new Set<string>();
  /** The last base read, if it was `none`: the versions found then need not be read again. */
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
      // Nothing is known of the pointer until it is read again.
      this.forgetBase();
      if (hasCode(error, "store-missing")) throw pointerLost(store, `the base of ${operation.key}`);
      if (!hasCode(error, "store-precondition", "store-unknown")) throw error;
      if (await this.#landed(operation, signal)) return operationCommit(operation);
      throw new ScbError(
        "store-unknown",
        `moving the pointer to ${operation.key} in ${store.location} got no clear answer, and the pointer has not moved`,
        { cause: error },
      );
    }
  }

  /**
   * Reads the pointer to learn what became of an operation whose pointer was sent. True: it committed.
   * False: the base is unchanged, so the pointer may be sent again. Throws "superseded" if another
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
        logger.info(facts, "the commit got no clear answer, and the pointer has not moved");
      }
      return false;
    }
    if (hasLanded) {
      logger.info(facts, "the commit's answer was lost, but the pointer shows that it landed");
      return true;
    }
    logger.info(
      {
        ...facts,
        pointerOperation: base.pointer.operation,
        pointerSequence: base.pointer.sequence,
        writer: base.pointer.writer,
      },
      "another writer moved the pointer first: taking a new snapshot",
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
        this.options.logger.info({ operation: id }, "a swap in doubt has landed");
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
        `this node's ${field} is ${ours}, but the backups in ${store.location} belong to ${theirs}; nothing was changed: check --network and --node, and give each node its own folder`,
      );
    }
  }

  /** Runs after the first commit ever: see `originKey`. If it fails, the next `base()` tries again. */
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
      logger.warn({ err: ScbError.from(error) }, "could not record the first commit yet");
    }
  }
}
