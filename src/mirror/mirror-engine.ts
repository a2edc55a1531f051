import type { Due } from "../chanbackup/due.ts";
import { Engine, type EngineTiming, type Outcome } from "../chanbackup/engine.ts";
import type { LookDepth, LookOutcome } from "../chanbackup/look.ts";
import { isPassing } from "../chanbackup/retry-policy.ts";
import { isNews, type SnapshotReason, type SnapshotSource } from "../chanbackup/snapshot.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import { type Base, isSameBase } from "../repository/base.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { type Candidate, candidateFromSnapshot } from "./candidate.ts";
import type { MirrorObserver, MirrorSwapped, MirrorUnchanged } from "./events.ts";
import type { StateSwapper } from "./state-swapper.ts";
import type { SwapOperation } from "./swap-operation.ts";

export interface MirrorEngineOptions extends EngineTiming {
  readonly source: SnapshotSource;
  readonly swapper: StateSwapper;
  readonly observe: MirrorObserver;
  readonly clock: Clock;
  readonly random: Random;
}

type MirrorOutcome = Outcome<MirrorSwapped, MirrorUnchanged>;

/** An operation that isn't known to have committed, and the events that it covers. */
interface UnderWay {
  readonly kind: "under-way";
  readonly operation: SwapOperation;
  readonly due: Due;
}

/** Mirror mode: saves the node's own packed backup to the store, byte for byte. */
export class MirrorEngine {
  readonly #source: SnapshotSource;
  readonly #swapper: StateSwapper;
  readonly #engine: Engine<MirrorSwapped, MirrorUnchanged>;
  #underWay: UnderWay | null = null;

  constructor(options: MirrorEngineOptions) {
    this.#source = options.source;
    this.#swapper = options.swapper;
    this.#engine = new Engine({
      ...options,
      attempt: (signal) => this.#attempt(signal),
      canPass: isPassing,
      isUnsaved: (reason) => this.#underWay !== null || isNews(reason),
      listen: (signal) => this.#listen(signal),
      look: (depth, signal) => this.#look(depth, signal),
    });
  }

  /** As `Engine.run`. */
  run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    return this.#engine.run(stop, abort);
  }

  /** As `Engine.lookSoon`. */
  lookSoon(): void {
    this.#engine.lookSoon();
  }

  /** As `Engine.once`. Doesn't wait for a node that can't give a backup. */
  once(abort: AbortSignal): Promise<void> {
    return this.#engine.once(abort);
  }

  async #listen(signal: AbortSignal): Promise<void> {
    for await (const reason of this.#source.changes(signal)) this.#engine.mark(reason);
  }

  async #attempt(signal: AbortSignal): Promise<MirrorOutcome> {
    try {
      const outcome = await this.#advance(signal);
      this.#underWay = null;
      return outcome;
    } catch (error) {
      if (!isPassing(error)) this.#underWay = null;
      throw error;
    }
  }

  async #advance(signal: AbortSignal): Promise<MirrorOutcome> {
    const swapper = this.#swapper;
    let underWay = this.#underWay;
    if (underWay === null || underWay.due.revision < this.#engine.revision) {
      const base = await swapper.base(signal);
      const setback = swapper.takeSetback();
      if (setback !== null) return { kind: "lost", error: setback };
      const due = this.#engine.take();
      const next = await this.#nextOperation(base, due, signal);
      if (next.kind === "held") return this.#unchanged(base, next.candidate, due, signal);
      underWay = next;
      this.#underWay = next;
    }
    const { operation, due } = underWay;
    const commit = await swapper.advance(operation, signal);
    const covers = coveredBy(operation.candidate, operation.alsoRestore);
    return { kind: "swapped", due, id: commit.key, facts: { commit, covers } };
  }

  /**
   * Takes a snapshot against `base`. If the node can't give or explain one now, continues with an
   * operation under way against the same base: what it holds is newer than what the store has.
   */
  async #nextOperation(
    base: Base,
    due: Due,
    signal: AbortSignal,
  ): Promise<UnderWay | { readonly kind: "held"; readonly candidate: Candidate }> {
    try {
      const candidate = candidateFromSnapshot(await this.#source.snapshot(due.reason, signal));
      const isHeld = this.#isHeld(base, candidate, due.reason);
      if (isHeld && (await this.#swapper.isCovered(base, candidate, signal))) {
        return { kind: "held", candidate };
      }
      const operation = await this.#swapper.begin(base, candidate, signal);
      return { kind: "under-way", operation, due };
    } catch (error) {
      if (!isPassing(error)) throw error;
      const underWay = this.#underWay;
      if (underWay !== null && isSameBase(underWay.operation.base, base)) return underWay;
      throw error;
    }
  }

  /**
   * Whether the store already holds this state. The node packs with a fresh nonce each time, so equal
   * bytes prove it but different bytes disprove nothing. In that case equal channel points and an equal
   * size are enough, except after an event that says that something changed.
   */
  #isHeld({ held }: Base, candidate: Candidate, reason: SnapshotReason): boolean {
    if (held === null) return false;
    if (!this.#engine.isGoodEnough({ id: held.key, savedAt: held.savedAt })) return false;
    if (held.sha256 === candidate.sha256) return true;
    return (
      reason !== "channel-event" &&
      candidate.channelPointsSha256 !== null &&
      held.channelPointsSha256 === candidate.channelPointsSha256 &&
      held.sizeBytes === candidate.packed.length
    );
  }

  /** Reads back what `base` names before reporting that it is there. */
  async #unchanged(
    base: Base,
    candidate: Candidate,
    due: Due,
    signal: AbortSignal,
  ): Promise<MirrorOutcome> {
    const found = await this.#look("version", signal);
    if (found.kind === "save-anew") return { kind: "lost", error: found.error };
    if (!isSameBase(await this.#swapper.base(signal), base)) {
      throw new ScbError(
        "superseded",
        "another writer moved the pointer while the node was being asked",
      );
    }
    const { held } = base;
    const seen = held && { id: held.key, savedAt: held.savedAt };
    const facts = {
      sequence: held?.sequence ?? 0,
      covers: coveredBy(candidate, held?.alsoRestore ?? []),
      held,
      writer: base.kind === "pointer" ? base.pointer.writer : null,
    };
    return { kind: "unchanged", due, held: seen, facts };
  }

  async #look(depth: LookDepth, signal: AbortSignal): Promise<LookOutcome> {
    const found = await this.#swapper.look(depth, signal);
    const setback = this.#swapper.takeSetback();
    return setback === null ? found : { kind: "save-anew", error: setback };
  }
}

function coveredBy(
  { contents }: Candidate,
  alsoRestore: readonly AlsoRestore[],
): readonly string[] | null {
  if (contents === null) return null;
  const also = alsoRestore.flatMap(({ channelPoints }) => channelPoints);
  return also.length === 0 ? contents.channelPoints : [...contents.channelPoints, ...also];
}
