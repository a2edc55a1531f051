import type { NodeIdentity } from "../chanbackup/snapshot.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import { type Base, isSameBase } from "../repository/base.ts";
import { maxSequence } from "../repository/layout.ts";
import { readVersion } from "../repository/version.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, PutOptions } from "../store/object-store.ts";
import type { Candidate } from "./candidate.ts";
import type { Commit } from "./events.ts";
import type { Guard } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";
import { HighWaterMark } from "./high-water-mark.ts";
import { isSameAlso, LimboCover } from "./limbo-cover.ts";
import { type AlsoFlaw, type LookResult, readBack } from "./look.ts";
import { Quarantine } from "./quarantine.ts";
import { newSwapOperation, type SwapOperation } from "./swap-operation.ts";

export interface StateSwapperOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** Who commits, for people: program, host, process. */
  readonly writer: string;
  readonly node: NodeIdentity;
  readonly guards: readonly Guard[];
  /** Knows the contents of the versions in the store; null if nothing here can open them. */
  readonly heldBackups?: HeldBackups | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Saves a node's state to a folder, against the base that it replaces. Subclasses decide what makes a
 * version current: a pointer that moves, or being the newest.
 *
 * Use: `base()`, then the snapshot, then `begin()`, then `advance()` until it resolves. A failure with
 * "store-busy" or "store-unknown" leaves the operation as it is: wait and advance it again, or drop it
 * for a newer snapshot. "superseded" means that another writer was first: start again from `base()`. Any
 * other code is final. Nothing is ever deleted.
 */
export abstract class StateSwapper {
  protected readonly options: StateSwapperOptions;
  readonly #quarantine: Quarantine;
  readonly #mark: HighWaterMark;
  /** Null if nothing can open a version: then the older versions that the base names are kept. */
  readonly #limboCover: LimboCover | null;
  #alsoFlaws: readonly AlsoFlaw[] = [];
  #base: Base | null = null;
  #lastSeen: Base | null = null;

  constructor(options: StateSwapperOptions) {
    this.options = options;
    const { store, clock, logger, heldBackups = null } = options;
    this.#quarantine = new Quarantine(store, clock);
    this.#mark = new HighWaterMark(store.location);
    this.#limboCover = heldBackups && new LimboCover({ store, heldBackups, logger });
  }

  /** Reads what is current, strongly, and adopts it. */
  protected abstract readCurrent(signal?: AbortSignal): Promise<Base>;

  /** Advances the operation by one attempt. Resolves only on a known commit. */
  abstract advance(operation: SwapOperation, signal?: AbortSignal): Promise<Commit>;

  protected abstract newId(): string;

  /** Caches a base that was read from the store or made by our own commit. */
  protected adopt(base: Base): void {
    this.#mark.see(base);
    this.#base = base;
    this.#lastSeen = base;
  }

  /** After this, nothing is known of what is current until it is read again. */
  protected forgetBase(): void {
    this.#base = null;
  }

  /**
   * What the next swap replaces: cached between swaps, otherwise read strongly. Take it before the
   * snapshot. Throws "wrong-node" if the folder is another node's.
   */
  async base(signal?: AbortSignal): Promise<Base> {
    return this.#base ?? this.readCurrent(signal);
  }

  /** As `base`, but always read: for callers about to say that the store holds it. */
  async readBase(signal?: AbortSignal): Promise<Base> {
    this.#base = null;
    return this.readCurrent(signal);
  }

  /** What the store last showed as current; null if it never did. Costs nothing and proves nothing. */
  get lastSeen(): Base | null {
    return this.#lastSeen;
  }

  /** Returns, once, the alarm that the store lost what this process committed; null if there is none. */
  takeSetback(): ScbError | null {
    return this.#mark.takeSetback();
  }

  /**
   * Reads the pointer strongly and, with "version", the whole version that it names: for callers about to
   * say that the store holds the node's state. Always reads a version that another writer made current.
   * Throws as `base` does.
   */
  async look(depth: "pointer" | "version", signal?: AbortSignal): Promise<LookResult> {
    const { store, heldBackups = null } = this.options;
    const before = this.#base;
    const base = await this.readBase(signal);
    const isKnown = before !== null && isSameBase(before, base);
    if (depth === "pointer" && isKnown && base.held !== null) {
      return { kind: "confirmed", base, alsoFlaws: [] };
    }
    const result = await readBack(base, { store, heldBackups, signal });
    if (result.kind === "save-anew") this.#limboCover?.forget(result.key);
    return result.kind === "confirmed" ? this.#withAlso(result) : result;
  }

  /**
   * A missing older version asks for one new save, because the new pointer may name another version in
   * its place. If it doesn't, saving again would not bring it back.
   */
  #withAlso(result: LookResult & { readonly kind: "confirmed" }): LookResult {
    const { base, alsoFlaws } = result;
    const known = new Set(this.#alsoFlaws.map(({ key }) => key));
    this.#alsoFlaws = alsoFlaws;
    const fresh = alsoFlaws.find(({ key }) => !known.has(key));
    if (fresh === undefined) return result;
    this.#limboCover?.forget(fresh.key);
    return { kind: "save-anew", base, key: fresh.key, error: fresh.error };
  }

  /** Older versions that a restore also needs, and that the last look did not find whole. */
  get missingAlso(): readonly ScbError[] {
    return this.#alsoFlaws.map(({ error }) => error);
  }

  /** Whether the base names exactly the older versions that a restore of the candidate also needs. */
  async isCovered(base: Base, candidate: Candidate, signal?: AbortSignal): Promise<boolean> {
    const needed = await this.#alsoRestoreFor(base, candidate, signal);
    return isSameAlso(needed, base.held?.alsoRestore ?? []);
  }

  /** Closed channels whose funds are still locked, and which no version holds. */
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
   * Runs the guards and makes an operation. Throws "refused" for a candidate that a guard refuses, and
   * keeps that candidate under `quarantine/`, once for each reason and content. Throws "superseded" as
   * `advance` does, and what a guard throws.
   */
  async begin(base: Base, candidate: Candidate, signal?: AbortSignal): Promise<SwapOperation> {
    const { store, guards } = this.options;
    const id = this.newId();
    for (const guard of guards) {
      const refusal = await guard(candidate, base, signal);
      if (refusal === null) continue;
      await this.#confirmBase(base, signal);
      throw await this.#quarantine.refuse(id, candidate, base, refusal, signal);
    }
    if (base.held?.sequence === maxSequence) {
      throw new ScbError(
        "pointer-damaged",
        `the pointer of ${store.location} names sequence ${maxSequence}, the highest possible, so the pointer is forged; nothing was changed: find out who else writes there, then run scb-mirror repair`,
      );
    }
    const alsoRestore = await this.#alsoRestoreFor(base, candidate, signal);
    return newSwapOperation(id, base, candidate, alsoRestore);
  }

  /**
   * A refusal must count against what the store has now, since someone may have accepted the candidate
   * meanwhile. Throws "superseded" if the pointer has moved. While the store can't be read, the refusal
   * stands.
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
      `${this.options.store.location} has a new current version since the node's backup was compared with it`,
    );
  }

  /** Uploads the version. If the answer is lost, reads it back to make sure. */
  protected async putVersion(
    operation: SwapOperation,
    how: Pick<PutOptions, "condition" | "metadata" | "signal">,
  ): Promise<void> {
    const { store, logger } = this.options;
    const { signal } = how;
    const { packed, sha256 } = operation.candidate;
    try {
      await store.put(operation.key, packed, { ...how, contentType: "application/octet-stream" });
      operation.versionStored = true;
      return;
    } catch (error) {
      // The key holds our operation id, so anything there is our own, from an answer that was lost.
      if (!hasCode(error, "store-precondition", "store-unknown")) throw error;
      const stored = await readVersion(store, { key: operation.key, sha256 }, { signal });
      const facts = operationFacts(operation);
      if (stored.kind === "missing") {
        logger.info(facts, "the upload got no clear answer, and the version is not there");
        throw new ScbError(
          "store-unknown",
          `the upload of ${operation.key} to ${store.location} got no clear answer, and the version is not there`,
          { cause: error },
        );
      }
      if (stored.kind === "damaged") {
        throw new ScbError(
          "version-damaged",
          `${store.location}/${operation.key} doesn't hold the bytes that were sent (${stored.bytes.length} bytes instead of ${packed.length}); the pointer was not moved: don't trust this store with backups`,
          { cause: error },
        );
      }
      logger.info(facts, "the upload's answer was lost, but the version is there, whole");
      operation.versionStored = true;
    }
  }
}

/** Identifies an operation in the log. A field named "key" would be redacted as a secret. */
export function operationFacts({ id, sequence, key }: SwapOperation): {
  readonly operation: string;
  readonly sequence: number;
  readonly version: string;
} {
  return { operation: id, sequence, version: key };
}
