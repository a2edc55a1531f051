import type { Snapshot } from "../../src/chanbackup/snapshot.ts";
import { newCandidate } from "../../src/mirror/candidate.ts";
import { refuseEmpty, refuseMalformed } from "../../src/mirror/guard.ts";
import { MirrorEngine } from "../../src/mirror/mirror-engine.ts";
import { ObjectStoreSwapper } from "../../src/mirror/object-store-swapper.ts";
import {
  newSwapOperation,
  operationMetadata,
  operationPointer,
} from "../../src/mirror/swap-operation.ts";
import { type Base, pointerBase } from "../../src/repository/base.ts";
import { latestKey } from "../../src/repository/layout.ts";
import { encodePointer } from "../../src/repository/pointer.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Checker } from "./checker.ts";
import { SeededRandom } from "./seeded-random.ts";
import { packBackup } from "./simulated-backup.ts";
import { type Requester, SimulatedBucket } from "./simulated-bucket.ts";
import { epochMs } from "./simulated-clock.ts";
import { clockOf, type Life, type Step, storeOf } from "./small-life.ts";

/** How much there is, and how much may go wrong, in one interleaving. */
export interface SmallCase {
  /** Commits that were made before it begins; with 0 the first one ever is among what is explored. */
  readonly commitsBefore: number;
  readonly writers: number;
  readonly swapsEach: number;
  readonly crashes: number;
  readonly lostAnswers: number;
}

/** What happens next: a step that waits, a request that gets no answer, or a writer's death. */
export interface Choice {
  readonly kind: "happen" | "lose" | "die";
  readonly name: string;
}

/**
 * A few writers that make a few swaps each, where whoever explores it chooses what happens next.
 * There is no time: a wait may end, and a request may arrive, whenever it is chosen. Each snapshot
 * is a newer state of the node than all before it.
 */
export class SmallWorld {
  readonly checker: Checker;
  readonly #bucket: SimulatedBucket;
  readonly #steps = new Map<string, Step>();
  /** What each writer was told in this life, in order: with its code, that is all that it can know. */
  readonly #heard: string[][];
  readonly #lives: number[];
  readonly #swapsLeft: number[];
  #crashesLeft: number;
  #lossesLeft: number;
  #state = 0;
  #lastToAct: number | null = null;
  readonly #hasActed: boolean[];

  constructor({ commitsBefore, writers, swapsEach, crashes, lostAnswers }: SmallCase) {
    this.#crashesLeft = crashes;
    this.#lossesLeft = lostAnswers;
    this.#heard = Array.from({ length: writers }, () => []);
    this.#lives = Array.from({ length: writers }, () => 0);
    this.#swapsLeft = Array.from({ length: writers }, () => swapsEach);
    this.#hasActed = Array.from({ length: writers }, () => false);
    const nowMs = (): number => 0;
    this.checker = new Checker({ nowMs, hasPointer: true, isClosed: () => false });
    const flavour = { isVersioned: false, etags: "of-content", pageSize: 1_000 } as const;
    this.#bucket = new SimulatedBucket(flavour, this.checker, nowMs);
    let base: Base = { kind: "none", held: null, leftoverSizeBytes: 0 };
    for (let commit = 0; commit < commitsBefore; commit += 1) base = this.#commit(base);
    for (let writer = 0; writer < writers; writer += 1) this.#live(writer);
  }

  /**
   * A step that no other writer can notice is as good now as later, so while there is one, only what
   * can become of it, and of its writer, is a choice. So are a death, and a request given up: they
   * are a choice only right after the writer's last own step, whatever the others do after it.
   */
  choices(): readonly Choice[] {
    const all = [...this.#steps].map(([name, step]) => ({ name, ...step }));
    const unnoticed = all.find((step) => this.#isUnnoticed(step.name));
    const choices: Choice[] = [];
    for (const { name, writer, lose } of unnoticed === undefined ? all : [unnoticed]) {
      choices.push({ kind: "happen", name });
      if (lose !== null && this.#lossesLeft > 0 && this.#isFresh(writer)) {
        choices.push({ kind: "lose", name });
      }
    }
    if (this.#crashesLeft === 0) return choices;
    this.#swapsLeft.forEach((left, writer) => {
      const isNoticed = unnoticed === undefined || unnoticed.writer === writer;
      if (left > 0 && isNoticed && this.#isFresh(writer)) {
        choices.push({ kind: "die", name: String(writer) });
      }
    });
    return choices;
  }

  /** Nobody has made a step since its last one, or its beginning. */
  #isFresh(writer: number): boolean {
    return this.#lastToAct === writer || !this.#hasActed[writer];
  }

  /** A wait, or a request for a version of one's own, where nobody lists versions any more. */
  #isUnnoticed(name: string): boolean {
    if (name.endsWith(" sleep")) return true;
    if (!name.includes(" versions/0") || this.#bucket.get(latestKey) === null) return false;
    return ![...this.#steps.keys()].some((other) => other.includes(" list "));
  }

  /** Resolves when every writer waits for something again. */
  async choose({ kind, name }: Choice): Promise<void> {
    if (kind === "die") {
      this.#crashesLeft -= 1;
      this.#acts(Number(name));
      this.#die(Number(name));
    } else {
      const step = this.#steps.get(name);
      if (step === undefined) throw new Error(`${name} does not wait: it was not replayed alike`);
      this.#acts(step.writer);
      if (kind === "lose") {
        this.#lossesLeft -= 1;
        step.lose?.();
        step.lose = null;
        if (!step.isWrite) this.#steps.delete(name);
      } else {
        this.#steps.delete(name);
        step.happen();
      }
    }
    await this.settle();
  }

  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /**
   * Worlds with equal ones have equal futures: what was heard, what is still to be done, the bucket,
   * what became current in it, what is under way.
   */
  fingerprint(): string {
    return sha256Hex(
      JSON.stringify([
        this.#heard,
        this.#swapsLeft,
        this.#bucket.contents(),
        this.checker.lineage,
        [...this.#steps].map(([name, { lose }]) => `${name} ${lose === null}`).sort(),
        this.#state,
        this.#crashesLeft,
        this.#lossesLeft,
        this.#crashesLeft + this.#lossesLeft > 0
          ? this.#heard.map((_, it) => this.#isFresh(it))
          : [],
      ]),
    );
  }

  /** Where nothing more can happen, every swap has to be made. */
  checkEnd(): void {
    this.#swapsLeft.forEach((left, writer) => {
      if (left > 0) this.checker.fail("I7", `w${writer} is stuck with ${left} swaps to make`);
    });
  }

  /** One swap at once, by nobody. */
  #commit(base: Base): Base {
    this.#state += 1;
    const packed = packBackup({ state: this.#state, channels: [1], nonce: 0 });
    const by: Requester = { name: "before", sentAtMs: 0, wasLate: false };
    const id = `${"0".repeat(25)}${this.#state}`;
    const operation = newSwapOperation(id, base, newCandidate(packed, null, null));
    const metadata = operationMetadata(operation);
    this.#bucket.put(operation.key, packed, undefined, metadata, by);
    const node = { pubkey: null, network: null };
    const pointer = operationPointer(operation, by.name, node, epochMs);
    const { etag } = this.#bucket.put(latestKey, encodePointer(pointer), undefined, {}, by);
    return pointerBase(pointer, etag);
  }

  #acts(writer: number): void {
    this.#lastToAct = writer;
    this.#hasActed[writer] = true;
  }

  #die(writer: number): void {
    for (const [name, step] of this.#steps) {
      if (step.writer !== writer) continue;
      if (step.isWrite) step.lose = null;
      else this.#steps.delete(name);
    }
    this.#live(writer);
  }

  #live(writer: number): void {
    const number = (this.#lives[writer] ?? 0) + 1;
    this.#lives[writer] = number;
    const name = `w${writer}.${number}`;
    const heard = [name];
    this.#heard[writer] = heard;
    let waits = 0;
    const life: Life = {
      writer,
      name,
      wait: (what, isWrite, happen) => {
        waits += 1;
        const step: Step = { writer, isWrite, happen, lose: null };
        this.#steps.set(`${name} ${waits} ${what}`, step);
        return step;
      },
      hear: (what, conclude) => {
        if (this.#lives[writer] !== number) return;
        heard.push(what);
        conclude();
      },
    };
    void this.#swap(life);
  }

  /** The production code, as `run --once` uses it, until the writer has made its swaps. */
  async #swap(life: Life): Promise<void> {
    const { writer, name } = life;
    const clock = clockOf(life);
    const random = new SeededRandom(1, name);
    const swapper = new ObjectStoreSwapper({
      store: storeOf(life, this.#bucket),
      writer: name,
      node: { pubkey: null, network: null },
      guards: [refuseMalformed, refuseEmpty(() => false)],
      clock,
      random,
      logger: silentLogger,
    });
    const engine = new MirrorEngine({
      source: {
        description: name,
        witness: null,
        identify: async () => ({ pubkey: null, network: null }),
        snapshot: () => this.#snapshot(life),
        async *changes() {},
        close: async () => undefined,
      },
      swapper,
      refreshIntervalMs: 1_000,
      observe: (event) => this.checker.wasTold(event, name),
      clock,
      random,
    });
    try {
      while ((this.#swapsLeft[writer] ?? 0) > 0) {
        await engine.once(new AbortController().signal);
        this.#swapsLeft[writer] = (this.#swapsLeft[writer] ?? 0) - 1;
      }
      // Who has nothing left to do needs to know nothing.
      this.#heard[writer] = [];
    } catch (error) {
      this.checker.fail("stops", `${name} stopped: ${ScbError.from(error).message}`);
    }
  }

  #snapshot({ wait, hear }: Life): Promise<Snapshot> {
    return new Promise((resolve) => {
      wait("snapshot", false, () => {
        this.#state += 1;
        const state = this.#state;
        const packed = packBackup({ state, channels: [1], nonce: 0 });
        const unknown = {
          channelPoints: null,
          bareChannelPoints: null,
          limbo: null,
          verifiedBy: null,
        };
        hear(`state ${state}`, () => resolve({ packed, takenAt: 0, reason: "start", ...unknown }));
      });
    });
  }
}
