import type { DaemonEvent } from "../../src/app/daemon-event.ts";
import type { NodeWitness, SnapshotSource } from "../../src/chanbackup/snapshot.ts";
import { latestKey, versionsPrefix } from "../../src/repository/layout.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import { decodePointer } from "./bucket-record.ts";
import type { Checks } from "./checks.ts";
import type { Fail } from "./invariants.ts";
import { type BackupFacts, readBackup } from "./simulated-backup.ts";
import { type Requester, somebody } from "./simulated-bucket.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { Heard } from "./simulated-store.ts";

/** What a process knows of one of its stores. */
interface StoreKnowledge {
  /** Each version that it was told to be current, and when. */
  readonly named: { readonly atMs: number; readonly key: string }[];
  /** Hashes of what it sent there, or had the node open for it, and since when. */
  readonly openedAtMs: Map<string, number>;
  /** Versions that it sent there or read there, whole. */
  readonly whole: Set<string>;
  /** A guard held a state back from this store, and none has been saved since. */
  isRefused: boolean;
  /** There was something when the process began. */
  readonly heldSomething: boolean;
  /** When it asked for each snapshot. Before that, it only copies what another store holds. */
  readonly askedAtMs: Map<number, number>;
}

interface Given {
  readonly atMs: number;
  readonly channels: readonly number[];
}

interface ProcessKnowledge {
  readonly stores: ReadonlyMap<number, StoreKnowledge>;
  /** What the node gave to it, for whichever store. */
  readonly given: Given[];
  /** How often it has asked its node for a backup. */
  requests: number;
}

/** What it takes to be sure which answer a question got. */
export interface Asked {
  readonly atMs: number;
  /** Requests that had begun by then. */
  readonly requests: number;
}

/** A verdict takes no longer to hear of a state that isn't saved yet. */
const unsavedMs = 30_000;

/** Checks what must hold between several stores of one node. Each store also has its own checks. */
export class StoresCheck {
  readonly #node: SimulatedNode;
  readonly #nowMs: () => number;
  readonly #checks: readonly Checks[];
  readonly #needed: (stores: number) => number;
  readonly #wasStruck: (name: string, store: number) => boolean;
  readonly #fail: Fail;
  readonly #processes = new Map<string, ProcessKnowledge>();
  /** By which request each snapshot was given. */
  readonly #requestOf = new WeakMap<Uint8Array, number>();
  readonly #verdicts = new Map<string, string>();

  constructor(options: {
    readonly node: SimulatedNode;
    readonly nowMs: () => number;
    /** Of each store. */
    readonly checks: readonly Checks[];
    /** How many of the stores have to be right. */
    readonly needed: (stores: number) => number;
    /** Whether anything has gone wrong between a process and a store. */
    readonly wasStruck: (name: string, store: number) => boolean;
    readonly fail: Fail;
  }) {
    this.#wasStruck = options.wasStruck;
    this.#node = options.node;
    this.#nowMs = options.nowMs;
    this.#checks = options.checks;
    this.#needed = options.needed;
    this.#fail = options.fail;
  }

  begins(name: string, stores: readonly number[]): void {
    const nothing = (store: number): StoreKnowledge => ({
      heldSomething: this.#checks[store]?.checker.current != null,
      named: [],
      openedAtMs: new Map(),
      whole: new Set(),
      isRefused: false,
      askedAtMs: new Map(),
    });
    const known = new Map(stores.map((store) => [store, nothing(store)]));
    this.#processes.set(name, { stores: known, given: [], requests: 0 });
  }

  /** The node as one process asks it: never for the same thing twice at once. */
  watchedSource(source: SnapshotSource, name: string): SnapshotSource {
    const underWay = new Set<string>();
    const once = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
      if (underWay.has(what)) this.#fail("node", `${name} asks its node twice at once: ${what}`);
      underWay.add(what);
      try {
        return await ask();
      } finally {
        underWay.delete(what);
      }
    };
    const { witness } = source;
    const watched: NodeWitness | null = witness && {
      ...witness,
      openChannelPoints: (signal) => once("open", () => witness.openChannelPoints(signal)),
      closedChannelPoints: (signal) => once("closed", () => witness.closedChannelPoints(signal)),
      limboChannels: (signal) => once("limbo", () => witness.limboChannels(signal)),
    };
    return {
      description: source.description,
      witness: watched,
      identify: (signal) => source.identify(signal),
      changes: (signal) => source.changes(signal),
      close: () => source.close(),
      snapshot: (reason, signal) =>
        once("snapshot", async () => {
          const process = this.#process(name);
          process.requests += 1;
          const request = process.requests;
          const snapshot = await source.snapshot(reason, signal);
          this.#requestOf.set(snapshot.packed, request);
          return snapshot;
        }),
    };
  }

  /** A process wants a snapshot, for one of its stores. */
  asks(name: string): Asked {
    return { atMs: this.#nowMs(), requests: this.#process(name).requests };
  }

  /** And gets this one. */
  given(packed: Uint8Array, asked: Asked, store: number, name: string): void {
    const process = this.#process(name);
    const request = this.#requestOf.get(packed) ?? 0;
    if (request !== asked.requests + 1) {
      const when = request > asked.requests ? "a later one" : "one before it asked";
      this.#fail("node", `${name} asked for store ${store}, and the answer is that of ${when}`);
    }
    const backup = readBackup(packed);
    if (backup === null) return;
    this.#store(name, store).askedAtMs.set(backup.nonce, asked.atMs);
    process.given.push({ atMs: this.#nowMs(), channels: backup.channels });
  }

  /** The node has opened these bytes for it. */
  opened(packed: Uint8Array, store: number, name: string): void {
    this.#opens(this.#store(name, store), packed);
  }

  #opens({ openedAtMs }: StoreKnowledge, packed: Uint8Array): void {
    const sha256 = sha256Hex(packed);
    if (!openedAtMs.has(sha256)) openedAtMs.set(sha256, this.#nowMs());
  }

  /** The store's answer reaches a process. */
  heard(store: number, { verb, key, object, sent }: Heard, name: string): void {
    const known = this.#store(name, store);
    const bytes = sent ?? object?.bytes;
    if (bytes === undefined || (verb !== "get" && verb !== "put")) return;
    if (key === latestKey) {
      const { version } = decodePointer(bytes);
      if (version !== undefined) known.named.push({ atMs: this.#nowMs(), key: version.key });
    } else if (key.startsWith(versionsPrefix)) {
      const isWhole = this.#record(store).sent.get(key)?.sha256 === sha256Hex(bytes);
      if (isWhole) known.whole.add(key);
    }
  }

  /** A version arrives. Its sender knows what is in it, whether it is told or not. */
  wasPut(store: number, { key, bytes }: StoredObject, by: Requester): void {
    const known = this.#processes.get(by.name)?.stores.get(store);
    if (known === undefined || !key.startsWith(versionsPrefix)) return;
    this.#opens(known, bytes);
    known.whole.add(key);
  }

  /** What is current in a store has changed. */
  moved(store: number, before: Checks["checker"]["current"]): void {
    const now = this.#checks[store]?.checker.current ?? null;
    if (now === null || now === before || now.by.name === somebody) return;
    const process = this.#processes.get(now.by.name);
    const askedAtMs = process?.stores.get(store)?.askedAtMs.get(now.backup.nonce);
    const packing = this.#node.packing(now.backup.nonce);
    if (process === undefined || askedAtMs === undefined || packing === null) return;
    const what = `${now.by.name} made ${now.key} current in store ${store}`;
    const replacedAtMs = before?.by.name === somebody ? null : (before?.atMs ?? null);
    if (replacedAtMs !== null && packing.atMs < replacedAtMs) {
      this.#fail(
        "base",
        `${what}, which was taken at ${packing.atMs} ms, and replaces what became current at ${replacedAtMs} ms`,
      );
    }
    for (const [other, known] of process.stores) {
      if (other === store) continue;
      const knewAtMs = known.named[0]?.atMs ?? Infinity;
      const isNew = before === null && this.#record(store).sent.size === 1;
      if (
        isNew &&
        known.heldSomething &&
        knewAtMs < askedAtMs &&
        !this.#wasStruck(now.by.name, other)
      ) {
        this.#fail("elsewhere", `${what}, and did not begin with what store ${other} holds`);
      }
      const lost = this.#lostBeside(other, known, now.backup, askedAtMs);
      if (lost === null) continue;
      this.#fail(
        "elsewhere",
        `${what}, without the channels ${lost} that it knew store ${other} has`,
      );
    }
  }

  /**
   * Open channels that a backup lacks, and that whatever the other store was known to hold since it was
   * asked for has; null for none.
   */
  #lostBeside(
    store: number,
    { named, openedAtMs }: StoreKnowledge,
    backup: BackupFacts,
    askedAtMs: number,
  ): string | null {
    const first = named.findLastIndex(({ atMs }) => atMs < askedAtMs);
    if (first === -1) return null;
    const isEmpty = backup.channels.length === 0;
    const losses = named.slice(first).map(({ key }) => {
      const sent = this.#record(store).sent.get(key);
      const knownAtMs = isEmpty ? -1 : (openedAtMs.get(sent?.sha256 ?? "") ?? Infinity);
      const isKnown = sent !== undefined && knownAtMs < askedAtMs;
      const channels = (isKnown ? sent.backup?.channels : null) ?? [];
      return channels.filter(
        (it) => !backup.channels.includes(it) && !this.#node.closedChannels.includes(it),
      );
    });
    return losses.every((lost) => lost.length > 0) ? losses.join(" and ") : null;
  }

  told(event: DaemonEvent, name: string): void {
    if (event.kind === "verdict") this.#judged(event.verdict, name);
    if (event.store === null || !event.store.startsWith("store-")) return;
    const known = this.#store(name, Number(event.store.slice("store-".length)));
    if (event.kind === "refused") known.isRefused = true;
    if (event.kind === "swapped") known.isRefused = false;
  }

  /** The last verdict that a process has told; null for none. */
  verdictOf(name: string): string | null {
    return this.#verdicts.get(name) ?? null;
  }

  #judged(verdict: string, name: string): void {
    this.#verdicts.set(name, verdict);
    if (verdict !== "safe") return;
    const { stores } = this.#process(name);
    const refused = [...stores].find(([, { isRefused }]) => isRefused);
    if (refused !== undefined) {
      this.#fail(
        "verdict",
        `${name} says "safe", and a state is held back from store ${refused[0]}`,
      );
    }
    const right = [...stores.keys()].filter((store) => this.#isRight(store, name));
    if (right.length >= this.#needed(stores.size)) return;
    this.#fail(
      "verdict",
      `${name} says "safe", and as far as it has read only ${right.length} of ${stores.size} stores hold what its node gave it (${right})`,
    );
  }

  /** Whether what it read last of a store is whole, and holds what the node gave it a while ago. */
  #isRight(store: number, name: string): boolean {
    const { stores, given } = this.#process(name);
    const { named = [], whole = new Set() } = stores.get(store) ?? {};
    const sinceMs = this.#nowMs() - unsavedMs;
    const due = given.findLastIndex(({ atMs }) => atMs <= sinceMs);
    // What a node has withdrawn since, and never was saved, nobody can ask for.
    const needed = (given[due]?.channels ?? []).filter((it) =>
      given.slice(due).every(({ channels }) => channels.includes(it)),
    );
    // What another process has saved since the last one that was read whole is read next.
    const lastRead = named.findLastIndex(({ key }) => whole.has(key));
    const lately = named.filter(({ atMs }, index) => atMs > sinceMs || index === lastRead);
    return lately.some(({ key }) => {
      const held = this.#record(store).sent.get(key)?.backup?.channels ?? [];
      const isHeld = (it: number) => held.includes(it) || this.#node.closedChannels.includes(it);
      return whole.has(key) && needed.every(isHeld);
    });
  }

  #record(store: number): Checks["checker"]["record"] {
    const checks = this.#checks[store];
    if (checks === undefined) throw new Error(`there is no store ${store}`);
    return checks.checker.record;
  }

  #process(name: string): ProcessKnowledge {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`${name} has not begun`);
    return process;
  }

  #store(name: string, store: number): StoreKnowledge {
    const known = this.#process(name).stores.get(store);
    if (known === undefined) throw new Error(`${name} has no store ${store}`);
    return known;
  }
}
