import { contentsOfMulti } from "../chanbackup/backup-contents.ts";
import { type Multi, serializeMulti } from "../chanbackup/multi.ts";
import { type PackedMulti, unpackMulti } from "../chanbackup/packed-multi.ts";
import { isPassing } from "../chanbackup/retry-policy.ts";
import type { Swapper } from "../chanbackup/swapper.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { type Base, type HeldVersion, isSameBase } from "../repository/base.ts";
import { readHeld } from "../repository/version.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { newCandidate } from "./candidate.ts";
import type { Commit } from "./events.ts";
import type { ObjectStoreSwapper } from "./object-store-swapper.ts";
import type { SwapOperation } from "./swap-operation.ts";

export interface PackSwapperOptions {
  readonly swapper: ObjectStoreSwapper;
  /** The node's folder: the one that `swapper` writes to. */
  readonly store: ObjectStore;
  /** Opens what is about to be saved, so that nothing is saved that the key cannot open. */
  readonly encrypter: Encrypter;
}

/** A `Swapper` for pack mode, in which a SubSwapper holds the Singles and packs them here. */
export class PackSwapper implements Swapper {
  readonly #options: PackSwapperOptions;
  #base: Base | null = null;
  #lastCommit: Commit | null = null;
  /** The bytes of the current version, so that each event does not fetch them again. */
  #current: { readonly sha256: string; readonly packed: Uint8Array } | null = null;

  /** An operation that got no clear answer, and what is in it. */
  #underWay: { readonly operation: SwapOperation; readonly plaintext: Uint8Array } | null = null;

  constructor(options: PackSwapperOptions) {
    this.#options = options;
  }

  /** What the last `updateAndSwap` that resolved has committed. */
  get lastCommit(): Commit | null {
    return this.#lastCommit;
  }

  /** The sequence that the last `extractMulti` found current; 0 for none. */
  get extractedSequence(): number {
    return this.#base?.held?.sequence ?? 0;
  }

  async extractMulti(encrypter: Encrypter, signal?: AbortSignal): Promise<Multi | null> {
    this.#base = await this.#options.swapper.base(signal);
    const held = this.#base.held;
    if (held === null) return null;
    return unpackMulti(await this.#bytesOf(held, signal), encrypter);
  }

  /** Throws "decrypt" or "decode" where the key does not open it, and what a swap throws. */
  async updateAndSwap(newBackup: PackedMulti, signal?: AbortSignal): Promise<void> {
    const { swapper, encrypter } = this.#options;
    const base = this.#base ?? (await swapper.base(signal));
    this.#base = null;
    const multi = unpackMulti(newBackup, encrypter);
    const plaintext = serializeMulti(multi);
    const operation =
      this.#underWayFor(base, plaintext) ??
      (await swapper.begin(base, newCandidate(newBackup, contentsOfMulti(multi), "key"), signal));
    this.#underWay = { operation, plaintext };
    try {
      this.#lastCommit = await swapper.advance(operation, signal);
    } catch (error) {
      if (!isPassing(error)) this.#underWay = null;
      throw error;
    }
    this.#underWay = null;
    const { sha256, packed } = operation.candidate;
    this.#current = { sha256, packed };
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

  async #bytesOf(held: HeldVersion, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#current?.sha256 === held.sha256) return this.#current.packed;
    const { store } = this.#options;
    const stored = await readHeld(store, held, { signal });
    if (stored.kind === "missing" || stored.kind === "damaged") {
      throw new ScbError(
        "version-damaged",
        stored.kind === "missing"
          ? `${store.location}/${held.key}, which the pointer names, is gone; nothing was changed: put it back, or the version before it`
          : `${store.location}/${held.key} has other bytes than the pointer says; nothing was changed: put the good copy back`,
      );
    }
    this.#current = { sha256: stored.sha256, packed: stored.bytes };
    return stored.bytes;
  }
}
