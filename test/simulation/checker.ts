import type { MirrorEvent } from "../../src/mirror/events.ts";
import { latestKey } from "../../src/repository/layout.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import { requestTimeoutMs } from "./fate.ts";
import type { Known } from "./mirror-process.ts";
import { type BackupFacts, readBackup } from "./simulated-backup.ts";
import type { BucketWatcher, Requester } from "./simulated-bucket.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/**
 * What must hold. I1 to I8 are the swap protocol's; the others are what the mirror promises besides.
 */
export const invariants = {
  I1: "the pointer's target exists, and its size and sha256 match, at every moment",
  I2: "an acknowledged swap stays in the lineage",
  I3: "sequence grows by one; the node's state never goes back",
  I4: "one key, one byte string",
  I5: "an operation commits at most once",
  I6: "a failed or unknown outcome deletes nothing",
  I7: "once faults stop, the pointer comes to hold the node's last state",
  I8: "prune never removes what the pointer or its retained history names",
  stops: "a mirror stops only for what a person has to mend",
  saved: "a mirror that stopped when it was told to has saved what it knew",
  guards: "what a guard refuses never becomes current",
  refresh: "without any change, a backup is saved anew within the refresh interval",
} as const;

export type InvariantName = keyof typeof invariants;

export interface Violation {
  readonly invariant: InvariantName;
  readonly message: string;
}

interface SeenPointer {
  readonly sequence: number;
  readonly version: { readonly key: string; readonly size: number; readonly sha256: string };
  readonly previous: { readonly key: string; readonly sha256: string } | null;
  readonly operation: string;
}

/** What became current, by a pointer that moved (or by a newest version, without a pointer). */
interface Commit {
  readonly key: string;
  readonly backup: BackupFacts;
  readonly by: Requester;
  readonly atMs: number;
}

/**
 * Watches from outside: sees each change of the bucket at the moment it happens, and hears what each
 * mirror tells. It shares no code with the mirror but the names of keys. The first violation is kept.
 */
export class Checker implements BucketWatcher {
  violation: Violation | null = null;
  readonly #nowMs: () => number;
  readonly #hasPointer: boolean;
  readonly #isClosed: (channel: number) => boolean;
  readonly #objects = new Map<string, { readonly sha256: string; readonly object: StoredObject }>();
  /** What was ever sent to each version's key. */
  readonly #everHeld = new Map<string, string>();
  /** Each operation's version, in the order of the commits. */
  readonly #lineage = new Map<string, string>();
  readonly #prunes = new Map<string, number>();
  #pointer: SeenPointer | null = null;
  #current: Commit | null = null;
  /** Since when somebody has the pointer in his hands. */
  #meddledAtMs: number | null = null;
  /** When each process has last looked at the pointer. */
  readonly #looks = new Map<string, number>();
  /** A deed came between a look at the pointer and what followed at once: no store can prevent that. */
  #isPointless = false;

  constructor(options: {
    readonly nowMs: () => number;
    readonly hasPointer: boolean;
    readonly isClosed: (channel: number) => boolean;
  }) {
    this.#nowMs = options.nowMs;
    this.#hasPointer = options.hasPointer;
    this.#isClosed = options.isClosed;
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

  fail(invariant: InvariantName, message: string): void {
    if (!this.#isPointless) this.violation ??= { invariant, message };
  }

  wasRead(key: string, by: Requester): void {
    if (key === latestKey) this.#looks.set(by.name, this.#nowMs());
  }

  wasPut(object: StoredObject, by: Requester): void {
    const { key, bytes } = object;
    const sha256 = sha256Hex(bytes);
    if (key === latestKey && this.#meddledAtMs !== null) {
      if (by.name === "somebody") return;
      const lookedAtMs = this.#looks.get(by.name) ?? 0;
      const wasUnderWay = by.sentAtMs < this.#meddledAtMs;
      const wasUnaware =
        lookedAtMs < this.#meddledAtMs && by.sentAtMs - lookedAtMs < requestTimeoutMs;
      if (wasUnderWay || wasUnaware) this.#isPointless = true;
      this.fail("I2", `${by.name} wrote a pointer where somebody had taken it away`);
      return;
    }
    this.#objects.set(key, { sha256, object });
    if (key === latestKey) this.#pointerMoved(decode(bytes), by);
    if (!key.startsWith("versions/")) return;
    // What the store itself has damaged is not what was sent.
    if (object.metadata["scb-sha256"] === sha256) {
      if ((this.#everHeld.get(key) ?? sha256) !== sha256) {
        this.fail("I4", `${by.name} wrote other bytes to ${key}`);
      }
      this.#everHeld.set(key, sha256);
    }
    if (!this.#hasPointer) this.#versionAdded(object, by);
    this.#checkTarget();
  }

  wasDeleted(key: string, by: Requester): void {
    if (by.name === "somebody") return;
    this.#objects.delete(key);
    const keepLast = this.#prunes.get(by.name);
    if (keepLast === undefined) this.fail("I6", `${by.name} deleted ${key}`);
    // What the pointer and the version before it are, and what the policy says.
    const kept = [...this.#lineage.values()].slice(-Math.max(2, keepLast ?? 0));
    if (key === latestKey || kept.includes(key)) {
      this.fail("I8", `${by.name} deleted ${key}, which is to be kept`);
    }
    this.#checkTarget();
  }

  /** A prune begins, and has to keep that many of the last versions. */
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
    if (this.#everHeld.get(key) !== sha256) {
      this.fail("I1", `${by} tells of ${key} with other bytes than it holds`);
    }
    if (this.#hasPointer && this.#lineage.get(operation) !== key) {
      this.fail("I2", `${by} tells that ${key} is committed, and the lineage does not hold it`);
    }
  }

  /** A while after all trouble: every live writer has had the time to save the node's state. */
  settled(node: SimulatedNode, alive: readonly (string | null)[]): void {
    if (this.#holds(node)) return;
    const by = this.#current?.by;
    // A request of a process that is gone has landed late, and nobody could know: see `refreshed`.
    if (by?.wasLate === true && !alive.includes(by.name)) return;
    this.fail("I7", this.#staleness(node));
  }

  /** When another refresh interval is over. */
  refreshed(node: SimulatedNode, withinMs: number): void {
    if (!this.#holds(node)) this.fail("I7", this.#staleness(node));
    const ageMs = this.#nowMs() - (this.#current?.atMs ?? 0);
    if (ageMs > withinMs)
      this.fail("refresh", `the last commit is ${Math.round(ageMs / 1000)} s old`);
  }

  /** `name` ended as it was told to, and had heard of this. */
  stoppedCleanly(name: string, known: Known): void {
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
    return this.#current !== null && node.isCurrent(this.#current.backup);
  }

  #staleness(node: SimulatedNode): string {
    const state = this.#current?.backup.state ?? 0;
    return `state ${state} is current, and the node's is ${node.state}`;
  }

  #pointerMoved(pointer: SeenPointer, by: Requester): void {
    const last = this.#pointer;
    this.#pointer = pointer;
    const { sequence, version, operation, previous } = pointer;
    const what = `${by.name} moved the pointer to ${version.key}`;
    this.#checkTarget();
    if (this.#lineage.has(operation)) this.fail("I5", `${what} for the second time`);
    this.#lineage.set(operation, version.key);
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
    const target = this.#objects.get(version.key)?.object;
    if (target === undefined) return;
    this.#checkChain(target, pointer);
    this.#becameCurrent(target, by);
  }

  /** Without a pointer the newest version is current. */
  #versionAdded(added: StoredObject, by: Requester): void {
    if (this.#current === null || added.key > this.#current.key) this.#becameCurrent(added, by);
  }

  #becameCurrent({ key, bytes }: StoredObject, by: Requester): void {
    const backup = readBackup(bytes);
    if (backup === null) {
      this.fail("guards", `${by.name} made ${key} current, which is no backup`);
      return;
    }
    const before = this.#current?.backup;
    if (before !== undefined && backup.state < before.state) {
      this.fail("I3", `${by.name} made state ${backup.state} current after ${before.state}`);
    }
    const lost = (before?.channels ?? []).filter(
      (it) => !backup.channels.includes(it) && !this.#isClosed(it),
    );
    if (lost.length > 0 && backup.channels.length === 0) {
      this.fail("guards", `${by.name} made ${key} current, which is empty`);
    } else if (lost.length > 0) {
      this.fail("I3", `${by.name} made ${key} current, without the open channels ${lost.join()}`);
    }
    this.#current = { key, backup, by, atMs: this.#nowMs() };
  }

  #checkTarget(): void {
    if (this.#pointer === null) return;
    const { key, size, sha256 } = this.#pointer.version;
    const target = this.#objects.get(key);
    if (target === undefined) this.fail("I1", `the pointer names ${key}, and it is not there`);
    else if (target.sha256 !== sha256 || target.object.sizeBytes !== size) {
      this.fail("I1", `the pointer's size or hash is not that of ${key}`);
    }
  }

  /** The version says the same of what it replaced as the pointer does. */
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

function decode(bytes: Uint8Array): SeenPointer {
  const pointer: SeenPointer = JSON.parse(new TextDecoder().decode(bytes));
  return pointer;
}
