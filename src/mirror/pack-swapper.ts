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
  /** The node's folder: the one that `swapper` writes to. */
  readonly store: ObjectStore;
  /** Opens what is about to be saved, so that nothing is saved that the key cannot open. */
  readonly encrypter: Encrypter;
}

/** A `Swapper` for pack mode, in which a SubSwapper holds the Singles and packs them here. */
export class PackSwapper implements Swapper {
  readonly #options: PackSwapperOptions;
  /** What was extracted or committed last. */
  #base: Base | null = null;
  /** How many have extracted `#base` and not swapped since. */
  #extracts = 0;
  /** Somebody has extracted another base, and not swapped since: nobody knows who swaps next. */
  #isAmbiguous = false;
  #lastCommit: Commit | null = null;
  /** What is in the current version, so that each event does not fetch and open it again. */
  #current: {
    readonly key: string;
    readonly multi: Multi;
    readonly encrypter: Encrypter;
  } | null = null;
  /** An operation that got no clear answer, and what is in it. */
  #underWay: { readonly operation: SwapOperation; readonly plaintext: Uint8Array } | null = null;

  constructor(options: PackSwapperOptions) {
    this.#options = options;
  }

  /** What the last `updateAndSwap` that resolved has committed. */
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

  /** The sequence that was extracted or committed last; 0 for none. */
  get heldSequence(): number {
    return this.#base?.held?.sequence ?? 0;
  }

  /** Reads the pointer and the version. Throws "version-damaged" for one that isn't what was saved. */
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
    throw new ScbError("superseded", "another writer has replaced the backup that was extracted");
  }

  /**
   * Replaces what was extracted last. Throws "superseded" if nothing was since the last swap, and if
   * two callers have extracted different backups: then each has to extract again. Throws "decrypt" or
   * "decode" if the key does not open it, and what a swap throws.
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
      "what this backup was made from was not extracted, or is replaced: extract, merge and pack again",
    );
  }

  /**
   * The same channels are packed anew for each attempt, with other bytes. A store in trouble would
   * be filled with them, one version an attempt, so the first of them is sent again.
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
      // Another writer may have moved on since the base was read, and a prune have removed it.
      const isCurrent = isSameBase(await this.#options.swapper.readBase(signal), base);
      if (!isCurrent) throw new ScbError("superseded", `${held.key} is not current any more`);
      throw new ScbError(
        "version-damaged",
        stored.kind === "missing"
          ? `${store.location}/${held.key}, which the pointer names, is gone; nothing was changed: put it back, or the version before it`
          : `${store.location}/${held.key} has other bytes than the pointer says; nothing was changed: put the good copy back`,
      );
    }
    const multi = await unpackMultiInTurns(stored.bytes, encrypter);
    this.#current = { key: held.key, multi, encrypter };
    return multi;
  }
}
