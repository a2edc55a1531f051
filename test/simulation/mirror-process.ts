import type { NodeIdentity } from "../../src/chanbackup/snapshot.ts";
import type { MirrorEvent } from "../../src/mirror/events.ts";
import { HeldBackups } from "../../src/mirror/held-backups.ts";
import { MirrorEngine } from "../../src/mirror/mirror-engine.ts";
import { mirrorGuards } from "../../src/mirror/mirror-guards.ts";
import { ObjectStoreSwapper } from "../../src/mirror/object-store-swapper.ts";
import { SingleWriterSwapper } from "../../src/mirror/single-writer-swapper.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { hasCode, ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import type { Random } from "../../src/runtime/random.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { SimulatedSource, type SourceWorld } from "./simulated-source.ts";

/** One life of a writer, whatever it runs. */
export interface WriterProcess {
  /** What it knows of its node, and must have saved when it stops. */
  readonly known: Known;
  /** Resolves with null after a clean stop, otherwise with what ended it. */
  run(): Promise<ScbError | null>;
  stop(): void;
  abort(): void;
}

export interface Known {
  /** The node's newest state; 0 if its backups don't show it. */
  readonly state: number;
  /** Channels that are open. */
  readonly channels: readonly number[];
}

export interface ProcessOptions {
  readonly name: string;
  readonly store: ObjectStore;
  readonly world: SourceWorld;
  readonly identity: NodeIdentity;
  readonly singleWriter: boolean;
  readonly refreshIntervalMs: number;
  readonly minIntervalMs: number;
  readonly lookIntervalMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: (event: MirrorEvent) => void;
}

/** One life of a mirror: the production swapper, guards and engine, from its start to its end. */
export class MirrorProcess implements WriterProcess {
  readonly #options: ProcessOptions;
  readonly #source: SimulatedSource;
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#source = new SimulatedSource(options.world);
  }

  get known(): Known {
    return { state: this.#source.heardState, channels: [] };
  }

  async run(): Promise<ScbError | null> {
    const source = this.#source;
    const { name, store, identity, singleWriter, refreshIntervalMs } = this.#options;
    const { minIntervalMs, lookIntervalMs, clock, random, observe } = this.#options;
    const heldBackups = new HeldBackups({
      store,
      witness: source.witness,
      inspect: null,
      pubkey: identity.pubkey,
      logger: silentLogger,
    });
    const Swapper = singleWriter ? SingleWriterSwapper : ObjectStoreSwapper;
    const swapper = new Swapper({
      store,
      writer: name,
      node: identity,
      guards: mirrorGuards(heldBackups, () => false),
      heldBackups,
      clock,
      random,
      logger: silentLogger,
    });
    try {
      // Like the daemon, it reads the pointer before anything else.
      await swapper.base(this.#abort.signal);
    } catch (error) {
      if (!hasCode(error, "store-busy", "store-unknown")) return ScbError.from(error);
    }
    const engine = new MirrorEngine({
      source,
      swapper,
      refreshIntervalMs,
      minIntervalMs,
      lookIntervalMs,
      versionLookIntervalMs: 2 * lookIntervalMs,
      observe,
      clock,
      random,
    });
    try {
      await engine.run(this.#stop.signal, this.#abort.signal);
      return null;
    } catch (error) {
      return ScbError.from(error);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  abort(): void {
    this.#abort.abort();
  }
}
