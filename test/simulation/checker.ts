import type { MirrorEvent } from "../../src/mirror/events.ts";
import { latestKey, versionsPrefix } from "../../src/repository/layout.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import { BucketRecord, decodePointer, type SeenPointer } from "./bucket-record.ts";
import { requestTimeoutMs } from "./fate.ts";
import type { Fail, Violation } from "./invariants.ts";
import type { Known } from "./mirror-process.ts";
import { type BackupFacts, readBackup } from "./simulated-backup.ts";
import { type BucketWatcher, type Requester, somebody } from "./simulated-bucket.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** What became current through a moved pointer (or through a newest version, if there is no pointer). */
interface Commit {
  readonly key: string;
  readonly backup: BackupFacts;
  readonly by: Requester;
  readonly atMs: number;
}

/**
 * Watches from outside: it sees each change of the bucket at the moment it happens, and each mirror's
 * reports. It shares no code with the mirror but the names of keys. It keeps the first violation.
 */
export class Checker implements BucketWatcher {
  violation: Violation | null = null;
  readonly record = new BucketRecord();
  readonly #nowMs: () => number;
  readonly #hasPointer: boolean;
  readonly #isClosed: (channel: number) => boolean;
  readonly #compares: (name: string) => boolean;
  readonly #isAlive: (name: string) => boolean;
  /** A program merges with the current version, so it stops if that is damaged. */
  readonly #isPackMode: boolean;
  /** Each operation's version, in commit order, without the undone ones. */
  readonly #lineage = new Map<string, string>();
  /** The same, including the undone ones. */
  readonly #everCommitted = new Map<string, string>();
  readonly #prunes = new Map<string, number>();
  #current: Commit | null = null;
  /** Since when somebody has been tampering with the pointer. */
  #meddledAtMs: number | null = null;
  /** A dead process's late request became current. */
  #hasPosthumous = false;
  /** When somebody last put a pointer there by hand. */
  #replacedAtMs = -Infinity;
  /** When each process last read the pointer, and what it named. */
  readonly #looks = new Map<
    string,
    { readonly atMs: number; readonly named: SeenPointer | null }
  >();
  /** Somebody interfered between a read of the pointer and the request right after it: no store can prevent that. */
  #isPointless = false;

  constructor(options: {
    readonly nowMs: () => number;
    readonly hasPointer: boolean;
    readonly isClosed: (channel: number) => boolean;
    /** Whether this process can decrypt what it replaces, and learns which channels are closed. */
    readonly compares?: (name: string) => boolean;
    readonly isPackMode?: boolean;
    readonly isAlive?: (name: string) => boolean;
  }) {
    this.#nowMs = options.nowMs;
    this.#hasPointer = options.hasPointer;
    this.#isClosed = options.isClosed;
    this.#isAlive = options.isAlive ?? (() => true);
    this.#isPackMode = options.isPackMode ?? false;
    this.#compares = options.compares ?? (() => false);
  }

  get current(): Commit | null {
    return this.#current;
  }

  /** Which version each operation has made current, in their order. */
  get lineage(): readonly (readonly [operation: string, key: string])[] {
    return [...this.#lineage];
  }

  get commits(): number {
    return this.#lineage.size;
  }

  readonly fail: Fail = (invariant, message) => {
    if (!this.#isPointless) this.violation ??= { invariant, message };
  };

  wasRead(key: string, by: Requester): void {
    if (key !== latestKey) return;
    this.#looks.set(by.name, { atMs: this.#nowMs(), named: this.record.pointer });
  }

  wasPut(object: StoredObject, by: Requester): void {
    const { record } = this;
    const { key, bytes } = object;
    const isByHand = by.name === somebody;
    if (key === latestKey && this.#meddledAtMs !== null) {
      if (isByHand) return;
      const lookedAtMs = this.#looks.get(by.name)?.atMs ?? 0;
      const wasUnderWay = by.sentAtMs < this.#meddledAtMs;
      const wasUnaware =
        lookedAtMs < this.#meddledAtMs && by.sentAtMs - lookedAtMs < requestTimeoutMs;
      if (wasUnderWay || wasUnaware) this.#isPointless = true;
      this.fail("I2", `${by.name} wrote a pointer where somebody had taken it away`);
      return;
    }
    const { sha256 } = record.put(object, this.#nowMs());
    if (isByHand) {
      if (key === latestKey) this.#pointerReplaced(decodePointer(bytes), by);
      else if (record.sent.get(key)?.sha256 === sha256) record.tampered.delete(key);
      else record.tampered.add(key);
      return;
    }
    if (key === latestKey) this.#pointerMoved(decodePointer(bytes), by);
    if (!key.startsWith(versionsPrefix)) return;
    // The store itself damaged it, so it isn't what was sent.
    if (object.metadata["scb-sha256"] === sha256) {
      if ((record.sent.get(key)?.sha256 ?? sha256) !== sha256) {
        this.fail("I4", `${by.name} wrote other bytes to ${key}`);
      }
      record.sent.set(key, { sha256, backup: readBackup(bytes) });
    }
    if (!this.#hasPointer) this.#versionAdded(object, by);
    this.#checkTarget();
  }

  wasDeleted(key: string, by: Requester): void {
    const { record } = this;
    const isByHand = by.name === somebody;
    if (isByHand && this.#meddledAtMs !== null) return;
    record.objects.delete(key);
    if (isByHand) {
      record.tampered.add(key);
      return;
    }
    const look = this.#looks.get(by.name);
    // Somebody put it back after prune had made sure that it may delete it.
    if (look !== undefined && look.atMs < this.#replacedAtMs) {
      record.tampered.add(key);
      this.#isPointless ||= this.#isPackMode;
      return;
    }
    const keepLast = this.#prunes.get(by.name);
    if (keepLast === undefined) this.fail("I6", `${by.name} deleted ${key}`);
    record.prunedAtMs.set(key, this.#nowMs());
    // What the pointer and the version before it are, what a restore needs besides, and what the
    // policy says. What the pointer came to name after the last look at it, nobody could know.
    const kept = [...this.#lineage.values()].slice(-Math.max(2, keepLast ?? 0));
    const also = look?.named?.alsoRestore ?? [];
    kept.push(...also.map((needed) => needed.key));
    if (key === latestKey || kept.includes(key)) {
      this.fail("I8", `${by.name} deleted ${key}, which is to be kept`);
    }
    this.#checkTarget();
  }

  /** A prune begins, and has to keep this many of the latest versions. */
  keeps(name: string, keepLast: number): void {
    this.#prunes.set(name, keepLast);
  }

  /** Somebody takes the pointer away, or writes into it, until `mended`. */
  meddled(): void {
    this.#meddledAtMs = this.#nowMs();
  }

  mended(): void {
    this.#meddledAtMs = null;
  }

  wasTold(event: MirrorEvent, by: string): void {
    if (event.kind !== "swapped") return;
    const { key, operation, sha256 } = event.commit;
    if (this.record.sent.get(key)?.sha256 !== sha256) {
      this.fail("I1", `${by} tells of ${key} with other bytes than it holds`);
    }
    if (this.#hasPointer && this.#everCommitted.get(operation) !== key) {
      this.fail("I2", `${by} tells that ${key} is committed, and the lineage does not hold it`);
    }
  }

  /** A while after the last fault: every live writer has had time to save the node's state. */
  settled(node: SimulatedNode, alive: readonly (string | null)[]): void {
    if (this.#holds(node)) return;
    const by = this.#current?.by;
    // Nobody has looked since somebody changed it by hand: see `refreshed`.
    if (by?.name === somebody || this.#isTargetTampered) return;
    // A dead process's request has landed late, and nobody could know: see `refreshed`.
    if (by?.wasLate === true && !alive.includes(by.name)) return;
    this.fail("I7", this.#staleness(node));
  }

  /** After another refresh interval. */
  refreshed(node: SimulatedNode, withinMs: number): void {
    if (!this.#holds(node)) this.fail("I7", this.#staleness(node));
    const ageMs = this.#nowMs() - (this.#current?.atMs ?? 0);
    if (ageMs > withinMs)
      this.fail("refresh", `the last commit is ${Math.round(ageMs / 1000)} s old`);
  }

  /** `name` ended as requested, and knew of this state. */
  stoppedCleanly(name: string, known: Known): void {
    // Nobody could know what has been done by hand since: see `ClaimCheck`.
    if (this.#current?.by.name === somebody) return;
    const nothing: BackupFacts = { state: 0, channels: [], nonce: 0 };
    const { state, channels } = this.#current?.backup ?? nothing;
    if (state < known.state) {
      this.fail("saved", `${name} knew of state ${known.state}, and ${state} is current`);
    }
    const lost = known.channels.filter((it) => !channels.includes(it) && !this.#isClosed(it));
    if (lost.length > 0) {
      this.fail(
        "saved",
        `${name} knew of the channels ${lost.join()}, which are not in the current`,
      );
    }
  }

  #holds(node: SimulatedNode): boolean {
    if (this.#hasPointer && !this.record.isTargetWhole) return false;
    if (this.#current === null) return false;
    const { channels } = this.#current.backup;
    // A program in pack mode keeps what it finds in the store, and has told long ago what is closed.
    const mayBeMore = this.#isPackMode && (this.#replacedAtMs > -Infinity || this.#hasPosthumous);
    const open = mayBeMore ? channels.filter((it) => !this.#isClosed(it)) : channels;
    return node.isCurrent({ ...this.#current.backup, channels: open });
  }

  get #isTargetTampered(): boolean {
    const { pointer, tampered } = this.record;
    return pointer !== null && tampered.has(pointer.version.key);
  }

  #staleness(node: SimulatedNode): string {
    const state = this.#current?.backup.state ?? 0;
    const whole = this.record.isTargetWhole || !this.#hasPointer ? "" : ", and not whole";
    return `state ${state} is current${whole}, and the node's is ${node.state}`;
  }

  #pointerMoved(pointer: SeenPointer, by: Requester): void {
    const last = this.record.pointer;
    const [held = "", before = ""] = [last?.version.key, last?.previous?.key];
    const baseline = this.record.whole(held) ?? this.record.whole(before);
    this.record.pointer = pointer;
    this.#hasPosthumous ||= !this.#isAlive(by.name);
    const { sequence, version, operation, previous } = pointer;
    const what = `${by.name} moved the pointer to ${version.key}`;
    // It was an orphan that nothing could make current, until somebody put an older pointer back: that is
    // what prune's grace is for, and these prunes have none.
    const prunedAtMs = this.record.prunedAtMs.get(version.key) ?? Infinity;
    if (prunedAtMs < this.#replacedAtMs) this.record.tampered.add(version.key);
    this.#checkTarget();
    if (this.#lineage.has(operation)) this.fail("I5", `${what} for the second time`);
    this.#lineage.set(operation, version.key);
    this.#everCommitted.set(operation, version.key);
    if (previous?.key !== last?.version.key || previous?.sha256 !== last?.version.sha256) {
      const claimed = previous?.key ?? "nothing";
      this.fail(
        "I2",
        `${what}, after ${claimed}, and ${last?.version.key ?? "nothing"} was current: it is out of the lineage now`,
      );
    }
    if (sequence !== (last?.sequence ?? 0) + 1) {
      this.fail("I3", `${what}: sequence ${sequence} after ${last?.sequence ?? 0}`);
    }
    const target = this.record.objects.get(version.key)?.object;
    if (target === undefined || this.record.tampered.has(version.key)) {
      this.#isPointless ||= this.#isPackMode;
      return;
    }
    this.#checkChain(target, pointer);
    this.#becameCurrent(target, by, baseline);
  }

  /** Without a pointer the newest version is current. */
  #versionAdded(added: StoredObject, by: Requester): void {
    if (this.#current === null || added.key > this.#current.key) this.#becameCurrent(added, by);
  }

  /** `baseline`: what the guards could read to compare it with; null if nothing. */
  #becameCurrent(
    { key, bytes }: StoredObject,
    by: Requester,
    baseline: BackupFacts | null = null,
  ): void {
    const backup = readBackup(bytes);
    if (backup === null) {
      this.fail("guards", `${by.name} made ${key} current, which is no backup`);
      return;
    }
    const before = this.#current?.backup;
    if (before !== undefined && backup.state < before.state) {
      this.fail("I3", `${by.name} made state ${backup.state} current after ${before.state}`);
    }
    const isLost = (it: number): boolean => !backup.channels.includes(it) && !this.#isClosed(it);
    if (backup.channels.length === 0 && before?.channels.some(isLost) === true) {
      this.fail("guards", `${by.name} made ${key} current, which is empty`);
    }
    const lost = this.#compares(by.name) ? (baseline?.channels.filter(isLost) ?? []) : [];
    if (lost.length > 0) {
      this.fail("guards", `${by.name} made ${key} current, without the open channels ${lost}`);
    }
    this.#current = { key, backup, by, atMs: this.#nowMs() };
  }

  /** Changes to a version by hand are not the mirrors' fault. */
  #checkTarget(): void {
    const { pointer, objects, tampered } = this.record;
    if (pointer === null || tampered.has(pointer.version.key)) return;
    const { key, size, sha256 } = pointer.version;
    const target = objects.get(key);
    if (target === undefined) this.fail("I1", `the pointer names ${key}, and it is not there`);
    else if (target.sha256 !== sha256 || target.object.sizeBytes !== size) {
      this.fail("I1", `the pointer's size or hash is not that of ${key}`);
    }
  }

  /** By hand: what was committed since is out of the lineage, and what it names may be anything. */
  #pointerReplaced(pointer: SeenPointer, by: Requester): void {
    const { record } = this;
    this.#replacedAtMs = this.#nowMs();
    record.pointer = pointer;
    const { key } = pointer.version;
    if (!record.isTargetWhole) record.tampered.add(key);
    const committed = [...this.#lineage];
    const kept = committed.findIndex(([operation]) => operation === pointer.operation) + 1;
    this.#lineage.clear();
    for (const [operation, its] of committed.slice(0, kept)) this.#lineage.set(operation, its);
    const backup = record.sent.get(key)?.backup ?? null;
    if (backup !== null) this.#current = { key, backup, by, atMs: this.#nowMs() };
  }

  /** The version and the pointer agree on what it replaced. */
  #checkChain(
    { key, metadata }: StoredObject,
    { previous, version, operation }: SeenPointer,
  ): void {
    const isSame =
      metadata["scb-operation"] === operation &&
      metadata["scb-sha256"] === version.sha256 &&
      metadata["scb-previous-key"] === previous?.key &&
      metadata["scb-previous-sha256"] === previous?.sha256;
    if (!isSame) this.fail("I2", `the metadata of ${key} and the pointer disagree`);
  }
}
