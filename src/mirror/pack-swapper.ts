import { contentsOfMulti } from "../chanbackup/backup-contents.ts";
import type { HeldBackup } from "../chanbackup/freshness.ts";
import type { LookDepth, LookOutcome } from "../chanbackup/look.ts";
import { type Multi, serializeMulti } from "../chanbackup/multi.ts";
import { type PackedMulti, unpackMultiInTurns } from "../chanbackup/packed-multi.ts";
import { isPassing } from "../chanbackup/retry-policy.ts";
import type { Swapper } from "../chanbackup/swapper.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { type Base, isSameBase } from "../repository/base.ts";
import { readHeld } from "../repository/version.ts";
import { ScbError } from "../runtime/error.ts";
import { turn } from "../runtime/turns.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { newCandidate } from "./candidate.ts";
import type { Commit } from "./events.ts";
import type { StateSwapper } from "./state-swapper.ts";
import type { SwapOperation } from "./swap-operation.ts";

export interface PackSwapperOptions {
  readonly swapper: StateSwapper;
  /** The node's folder, which `swapper` writes to. */
  readonly store: ObjectStore;
  /** Opens each backup before it is saved, so that nothing is saved that the key can't open. */
  readonly encrypter: Encrypter;
}

/** A `Swapper` for pack mode: a SubSwapper holds the Singles and packs them. */
export class PackSwapper implements Swapper {
  readonly #options: PackSwapperOptions;
  /** The base last extracted or committed. */
  #base: Base | null = null;
  /** How many callers extracted `#base` and have not swapped since. */
  #extracts = 0;
  /**
   * Callers extracted different bases and have not swapped since, so the next swap could be based on
   * either.
   */
  #isAmbiguous = false;
  #lastCommit: Commit | null = null;
  /** The current version's contents, so that an event needn't fetch and open it again. */
  #current: {
    readonly key: string;
    readonly multi: Multi;
    readonly encrypter: Encrypter;
  } | null = null;
  /** An operation that got no clear answer, and its contents. */
  #underWay: { readonly operation: SwapOperation; readonly plaintext: Uint8Array } | null = null;

  constructor(options: PackSwapperOptions) {
    this.#options = options;
  }

  /** The commit of the last successful `updateAndSwap`. */
  get lastCommit(): Commit | null {
    return this.#lastCommit;
  }

  get held(): HeldBackup | null {
    const held = this.#base?.held ?? null;
    return held && { id: held.key, savedAt: held.savedAt };
  }

  get isInDoubt(): boolean {
    const { operation } = this.#underWay ?? {};
    if (operation === undefined || this.#base === null) return false;
    return operation.pointerSent && isSameBase(operation.base, this.#base);
  }

  /** The sequence last extracted or committed; 0 if none. */
  get heldSequence(): number {
    return this.#base?.held?.sequence ?? 0;
  }

  /** Reads the pointer and the version. Throws "version-damaged" if the version isn't what was saved. */
  async extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    const base = await this.#options.swapper.readBase(signal);
    this.#current = null;
    return this.#extract(base, encrypter, signal);
  }

  async extractBase(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    return this.#extract(await this.#options.swapper.base(signal), encrypter, signal);
  }

  async look(depth: LookDepth, signal?: AbortSignal): Promise<LookOutcome> {
    const { swapper } = this.#options;
    const found = await swapper.look(depth, signal);
    const setback = swapper.takeSetback();
    if (setback !== null) return { kind: "save-anew", error: setback };
    if (found.kind === "save-anew" || this.#base === null) return found;
    if (isSameBase(found.base, this.#base)) return found;
    throw new ScbError("superseded", "another writer replaced the backup that was extracted");
  }

  /**
   * Replaces what was extracted last. Throws "superseded" if nothing was extracted since the last swap,
   * or if two callers extracted different backups: then each must extract again. Throws "decrypt" or
   * "decode" if the key doesn't open it, and what a swap throws.
   */
  async updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void> {
    const { swapper, encrypter } = this.#options;
    const base = this.#takeBase();
    const multi = await unpackMultiInTurns(newBackup, encrypter);
    const plaintext = serializeMulti(multi);
    await turn(multi.staticBackups.length);
    const candidate = newCandidate(newBackup, contentsOfMulti(multi), "key");
    await turn(multi.staticBackups.length);
    const operation =
      this.#underWayFor(base, plaintext) ?? (await swapper.begin(base, candidate, signal));
    this.#underWay = { operation, plaintext };
    try {
      this.#lastCommit = await swapper.advance(operation, signal);
    } catch (error) {
      if (!isPassing(error)) this.#underWay = null;
      throw error;
    }
    this.#underWay = null;
    this.#current = { key: operation.key, multi, encrypter };
    this.#base = await swapper.base(signal);
    if (this.#extracts > 0) this.#isAmbiguous = true;
  }

  async #extract(base: Base, encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    const setback = this.#options.swapper.takeSetback();
    if (setback !== null) throw setback;
    const multi = await this.#multiOf(base, encrypter, signal);
    const isOther = this.#base === null || !isSameBase(this.#base, base);
    if (isOther && this.#extracts > 0) this.#isAmbiguous = true;
    this.#extracts += 1;
    this.#base = base;
    return multi;
  }

  #takeBase(): Base {
    const base = this.#base;
    if (base !== null && this.#extracts > 0 && !this.#isAmbiguous) {
      this.#extracts -= 1;
      return base;
    }
    this.#extracts = 0;
    this.#isAmbiguous = false;
    throw new ScbError(
      "superseded",
      "the backup that this one was made from was never extracted, or has been replaced: extract, merge and pack again",
    );
  }

  /**
   * Each attempt packs the same channels into different bytes. To keep a store in trouble from filling up
   * with one version an attempt, the first packing is sent again.
   */
  #underWayFor(base: Base, plaintext: Uint8Array): SwapOperation | null {
    const { operation, plaintext: before } = this.#underWay ?? {};
    if (operation === undefined || before === undefined) return null;
    return isSameBase(operation.base, base) && Buffer.compare(before, plaintext) === 0
      ? operation
      : null;
  }

  async #multiOf(base: Base, encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    const { held } = base;
    if (held === null) return null;
    const current = this.#current;
    if (current?.key === held.key && current.encrypter === encrypter) return current.multi;
    const { store } = this.#options;
    const stored = await readHeld(store, held, { signal });
    if (stored.kind === "missing" || stored.kind === "damaged") {
      // Another writer may have moved on since the base was read, and prune may have removed the version.
      const isCurrent = isSameBase(await this.#options.swapper.readBase(signal), base);
      if (!isCurrent) throw new ScbError("superseded", `${held.key} is no longer current`);
      throw new ScbError(
        "version-damaged",
        stored.kind === "missing"
          ? `${store.location}/${held.key}, which the pointer names, is gone; nothing was changed: restore that object, or run scb-mirror repair`
          : `${store.location}/${held.key} doesn't hold the bytes that the pointer names; nothing was changed: restore the original object, or run scb-mirror repair`,
      );
    }
    const multi = await unpackMultiInTurns(stored.bytes, encrypter);
    this.#current = { key: held.key, multi, encrypter };
    return multi;
  }
}
