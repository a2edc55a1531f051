import { hostname } from "node:os";
import { sleepUntil } from "../chanbackup/nap.ts";
import type { NodeIdentity, SnapshotSource } from "../chanbackup/snapshot.ts";
import type { RunEvidence } from "../checks/run-verdict.ts";
import type { Guard } from "../mirror/guard.ts";
import { HeldBackups } from "../mirror/held-backups.ts";
import { MirrorEngine } from "../mirror/mirror-engine.ts";
import { mirrorGuards } from "../mirror/mirror-guards.ts";
import { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import { ensureProbed } from "../mirror/probe-verdict.ts";
import type { SeenElsewhere } from "../mirror/refuse-worse-than-elsewhere.ts";
import { SingleWriterSwapper } from "../mirror/single-writer-swapper.ts";
import type { StateSwapper } from "../mirror/state-swapper.ts";
import type { Base, HeldVersion } from "../repository/base.ts";
import { type LastDrill, readLastDrill } from "../repository/drill-record.ts";
import { readHeld } from "../repository/version.ts";
import { abortable, throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { retryingReads } from "../store/retrying-store.ts";
import type { StoreEvent } from "./daemon-event.ts";
import { isAppendOnly } from "./destination.ts";
import { drillWhile } from "./drill-schedule.ts";
import { type LevelSource, levelStore, newestFirst, readSource } from "./level-store.ts";
import type { Settings } from "./settings.ts";
import type { MirroredNode } from "./source.ts";
import { untilReached } from "./until-reached.ts";

export interface StoreMirrorOptions {
  readonly settings: Pick<
    Settings,
    | "single-writer"
    | "refresh-interval"
    | "min-interval"
    | "look-interval"
    | "drill-interval"
    | "max-age"
  >;
  /** The store's name. */
  readonly name: string;
  /** The node's folder in it. */
  readonly store: ObjectStore;
  /** The name of that folder. */
  readonly node: string;
  readonly identity: NodeIdentity;
  /** Its source is this mirror's own view of the node. */
  readonly mirrored: MirroredNode;
  /** The mirrors of the node's other stores. */
  readonly others: () => readonly StoreMirror[];
  /** Take one snapshot, swap it once, then end. */
  readonly once: boolean;
  /** The operator permits an empty backup to replace one with channels, this once. */
  readonly acceptEmpty: boolean;
  readonly observe: (event: StoreEvent) => void;
  /** Called with the last drill recorded in the store, whoever ran it. */
  readonly onLastDrill?: ((last: LastDrill) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The name of this process in its commits, for people. */
export const ownWriter = `scb-mirror/${programVersion} ${hostname()} ${process.pid}`;

/** How long a starting store waits to learn what the others hold. */
const othersOpenMs = 2_000;

/**
 * Keeps one store current. Mirrors of several stores share the node and what each has seen, and nothing
 * else.
 */
export class StoreMirror {
  readonly #options: StoreMirrorOptions;
  readonly #swapper: StateSwapper;
  readonly #heldBackups: HeldBackups;
  readonly #isAppendOnly: boolean;
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  /** The operator's permission counts only for the first state examined. */
  #mayAcceptEmpty: boolean;
  /** Why it is retrying, so that giving up can say why. */
  #trouble: ScbError | null = null;
  #last: "saved" | "refused" | null = null;
  #engine: MirrorEngine | null = null;
  #isLevelling = false;
  /** What the other stores held when the node was last asked. */
  #elsewhere: readonly { readonly other: StoreMirror; readonly held: HeldVersion }[] = [];

  constructor(options: StoreMirrorOptions) {
    const { store, identity, mirrored, settings, clock, random, logger } = options;
    const { source, inspect } = mirrored;
    this.#options = options;
    this.#mayAcceptEmpty = options.acceptEmpty;
    this.#heldBackups = new HeldBackups({
      store,
      witness: source.witness,
      inspect,
      pubkey: identity.pubkey,
      logger,
    });
    this.#isAppendOnly = isAppendOnly(store, settings);
    const guards = mirrorGuards(
      this.#heldBackups,
      () => this.#mayAcceptEmpty,
      () => this.#elsewhere.map(({ other, held }) => other.#seen(held)),
    );
    const Swapper = this.#isAppendOnly ? SingleWriterSwapper : ObjectStoreSwapper;
    this.#swapper = new Swapper({
      store,
      writer: ownWriter,
      node: identity,
      guards: guards.map((guard): Guard => {
        // What another store holds has already passed its guards, and may no longer open with any key.
        return (...compared) => (this.#isLevelling ? null : guard(...compared));
      }),
      heldBackups: this.#heldBackups,
      clock,
      random,
      logger,
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** The node's folder in it. */
  get store(): ObjectStore {
    return this.#options.store;
  }

  /** Whether the store has answered what it holds, even if that is nothing. */
  get wasRead(): boolean {
    return this.#swapper.lastSeen !== null;
  }

  /** The fate of the last state examined; null if there was none. */
  get last(): "saved" | "refused" | null {
    return this.#last;
  }

  /** Why it is retrying, or was when it ended; null if it isn't. */
  get trouble(): ScbError | null {
    return this.#trouble;
  }

  /** What the swapper knows of funds in limbo. */
  get limbo(): Pick<RunEvidence, "uncovered" | "missingAlso"> {
    return this.#swapper;
  }

  /** What the store was last seen to hold; null if nothing, or if not known. Does no I/O. */
  get held(): HeldVersion | null {
    return this.#swapper.lastSeen?.held ?? null;
  }

  #seen(held: HeldVersion): SeenElsewhere {
    return { store: this.name, held, contents: this.#heldBackups.knownContents(held.sha256) };
  }

  /**
   * The node's source. Before each snapshot it notes what the other stores hold, to compare with that
   * snapshot: anything they get later is newer than the answer.
   */
  #comparedSource(): SnapshotSource {
    const { source } = this.#options.mirrored;
    return {
      description: source.description,
      witness: source.witness,
      identify: (signal) => source.identify(signal),
      changes: (signal) => source.changes(signal),
      close: () => source.close(),
      snapshot: (reason, signal) => {
        this.#elsewhere = this.#options.others().flatMap((other) => {
          const held = other.held;
          return held === null ? [] : [{ other, held }];
        });
        return source.snapshot(reason, signal);
      },
    };
  }

  /** Asks for a full read-back of what was saved, as soon as nothing is due. */
  lookSoon(): void {
    this.#engine?.lookSoon();
  }

  /** Resolves when the store has first answered what it holds, or has first failed. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /**
   * Mirrors until stopped with everything known saved. Throws errors that somebody has to fix, and
   * "aborted" if something was not saved in time.
   */
  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    try {
      await this.#mirror(stop, abort);
    } catch (error) {
      const trouble = this.#trouble;
      if (trouble === null || !hasCode(error, "aborted")) throw error;
      throw new ScbError("aborted", `gave up: ${trouble.message}`, { cause: error });
    } finally {
      this.#reached.resolve();
      this.#opened.resolve();
    }
  }

  async #mirror(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const { settings, once, node, mirrored, store, clock, random, logger } = this.#options;
    const { source, encrypter } = mirrored;
    const observe = (event: StoreEvent): void => this.#tell(event);
    const reaching = { once, stop, abort, observe, clock, random };
    const base = await untilReached("store", reaching, () => this.#ready(abort));
    if (base === null) return;
    await this.#othersOpened([stop, abort]);
    const sequence = base.held?.sequence ?? 0;
    const { description } = source;
    const appendOnly = this.#isAppendOnly;
    observe({ kind: "started", node, source: description, sequence, appendOnly });
    const engine = new MirrorEngine({
      source: this.#comparedSource(),
      swapper: this.#swapper,
      refreshIntervalMs: settings["refresh-interval"],
      minIntervalMs: settings["min-interval"],
      lookIntervalMs: settings["look-interval"],
      observe,
      clock,
      random,
    });
    this.#engine = engine;
    if (once) return engine.once(abort);
    await drillWhile(() => engine.run(stop, abort), {
      store: retryingReads(store, { clock, random }),
      node,
      openers: { encrypter: encrypter ?? undefined, witness: source.witness ?? undefined },
      intervalMs: settings["drill-interval"],
      maxAgeMs: settings["max-age"],
      observe: (report) => observe({ kind: "drilled", report }),
      onLast: this.#options.onLastDrill,
      signal: AbortSignal.any([stop, abort]),
      clock,
      random,
      logger,
    });
  }

  /**
   * Reads the pointer first. If it is lost or damaged, nothing is written, not even a probe. Opens the
   * current backup, so that the other stores' guards know its contents.
   */
  async #ready(signal: AbortSignal): Promise<Base> {
    const { store, mirrored, clock, random, logger } = this.#options;
    let base: Base;
    try {
      // After a restart or retry, the store has to answer again before anything is said about it.
      base = await this.#swapper.readBase(signal);
    } finally {
      this.#reached.resolve();
    }
    if (!this.#isAppendOnly) {
      const program = `scb-mirror/${programVersion}`;
      await ensureProbed({ store, clock, random, logger, program, signal });
    }
    if (base.kind === "none" && base.leftoverSizeBytes === 0) {
      await this.#level(signal);
      base = await this.#swapper.base(signal);
    }
    if (base.held === null) return base;
    await this.#readLastDrill(signal);
    const reading = await readHeld(store, base.held, { signal });
    if (reading.kind !== "whole" && reading.kind !== "unproven") return base;
    mirrored.remember?.(reading.bytes);
    await this.#heldBackups.opens(reading.bytes, signal);
    this.#opened.resolve();
    return base;
  }

  /** Without this, restarting the process would hide a failed drill. */
  async #readLastDrill(signal: AbortSignal): Promise<void> {
    const { store, clock, onLastDrill } = this.#options;
    if (onLastDrill === undefined) return;
    try {
      const last = await readLastDrill(store, clock.now(), { signal });
      if (last !== null) onLastDrill(last);
    } catch (error) {
      // `status` reports an unreadable record; the mirror carries on.
      if (!hasCode(error, "decode", "store-denied")) throw error;
    }
  }

  /**
   * The first state is already compared with what the other stores hold, but a slow store isn't waited
   * for.
   */
  async #othersOpened(signals: readonly AbortSignal[]): Promise<void> {
    const others = this.#options.others();
    if (others.length === 0) return;
    this.#opened.resolve();
    const all = new AbortController();
    void Promise.all(others.map((other) => other.#opened.promise)).then(() => all.abort());
    await sleepUntil(this.#options.clock, othersOpenMs, [...signals, all.signal]);
  }

  /** Fills this empty folder from the most recent other store that can be read. */
  async #level(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const others = this.#options.others();
    await abortable(Promise.all(others.map(({ reached }) => reached)), signal);
    const sources = newestFirst(
      others.map((other) => other.#levelSource()).filter((it) => it !== null),
      clock.now(),
    );
    const best = await this.#firstReadable(sources, signal);
    if (best === null) return;
    this.#isLevelling = true;
    try {
      const swapper = this.#swapper;
      const heldBackups = this.#heldBackups;
      const { name, versions } = best;
      await levelStore(versions, { swapper, heldBackups, clock, random, signal });
      this.#tell({ kind: "levelled", from: name, versions: versions.length });
    } catch (error) {
      // Another mirror was first, so the folder is no longer empty.
      if (!hasCode(error, "superseded")) throw error;
    } finally {
      this.#isLevelling = false;
    }
  }

  /** Skips stores that have become unreadable. Null if all have. */
  async #firstReadable(sources: readonly LevelSource[], signal: AbortSignal) {
    for (const source of sources) {
      try {
        const versions = await readSource(source, signal);
        if (versions.length > 0) return { name: source.name, versions };
      } catch (caught) {
        throwIfAborted(signal);
        const err = ScbError.from(caught);
        this.#options.logger.warn({ err }, `${source.name} could not be read for ${this.name}`);
      }
    }
    return null;
  }

  #levelSource(): LevelSource | null {
    const held = this.held;
    return held && { name: this.name, store: this.#options.store, held };
  }

  #tell(event: StoreEvent): void {
    if (event.kind === "swapped" || event.kind === "unchanged") this.#last = "saved";
    if (event.kind === "refused") this.#last = "refused";
    if (this.#last !== null) this.#mayAcceptEmpty = false;
    if (event.kind === "retrying") this.#trouble = event.error;
    if (event.kind === "swapped" || event.kind === "recovered") this.#trouble = null;
    this.#options.observe(event);
  }
}
