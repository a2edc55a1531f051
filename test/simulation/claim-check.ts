import { latestKey, versionsPrefix } from "../../src/repository/layout.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { decodePointer, type SeenPointer } from "./bucket-record.ts";
import type { Fail } from "./invariants.ts";
import type { Known } from "./mirror-process.ts";
import { type BackupFacts, readBackup } from "./simulated-backup.ts";
import type { Heard } from "./simulated-store.ts";

/** What the store and the node told one process, and when it had asked. */
interface Knowledge {
  /** When the node was last asked for a backup. */
  askedNodeAtMs: number;
  /** The node's answer; null if it wasn't a backup, undefined in pack mode. */
  given: BackupFacts | null | undefined;
  /** The pointer as it was last read; null if it wasn't there. */
  pointer: SeenPointer | null;
  pointerAtMs: number;
  /** The operations that the store's last answer about the pointer showed as committed. */
  committed: readonly string[];
  /** The version that was last read, intact according to that pointer. */
  version: { readonly key: string; readonly backup: BackupFacts | null } | null;
  versionAtMs: number;
  /** When the node last gave no answer. */
  nodeSilentAtMs: number;
  troubledAtMs: number;
  swappedAtMs: number;
  toldToStopAtMs: number;
  /** When it last reported the state as saved; null for never. */
  claimedAtMs: number | null;
}

/** The reports of a mirror that claim something. */
interface ClaimEvent {
  readonly kind: string;
  readonly depth?: string;
  readonly commit?: { readonly operation: string };
}

/**
 * Checks each claim of a mirror against what the mirror had read when it made it. It listens to the
 * answers that reach each process, and doesn't know how the mirror draws its conclusions.
 */
export class ClaimCheck {
  readonly #hasPointer: boolean;
  readonly #nowMs: () => number;
  readonly #isClosed: (channel: number) => boolean;
  readonly #fail: Fail;
  readonly #processes = new Map<string, Knowledge>();

  constructor(options: {
    readonly hasPointer: boolean;
    readonly nowMs: () => number;
    readonly isClosed: (channel: number) => boolean;
    readonly fail: Fail;
  }) {
    this.#hasPointer = options.hasPointer;
    this.#nowMs = options.nowMs;
    this.#isClosed = options.isClosed;
    this.#fail = options.fail;
  }

  /** The store's answer reaches a process. */
  heard({ key, verb, object, sent, sentAtMs }: Heard, by: string): void {
    const process = this.#of(by);
    if (key === latestKey) {
      const pointer =
        verb === "put" ? sent && decodePointer(sent) : object && decoded(object.bytes);
      if (verb !== "get" && verb !== "put") return;
      process.pointer = pointer;
      process.pointerAtMs = sentAtMs;
      process.committed = pointer?.recentOperations ?? [];
    } else if (verb === "get" && key.startsWith(versionsPrefix)) {
      const { version } = process.pointer ?? {};
      const bytes = object?.bytes ?? null;
      const isNamed = version?.key === key || !this.#hasPointer;
      if (!isNamed) return;
      const sha256 = bytes && sha256Hex(bytes);
      const saved = this.#hasPointer ? version?.sha256 : object?.metadata["scb-sha256"];
      process.versionAtMs = sentAtMs;
      process.version = bytes && sha256 === saved ? { key, backup: readBackup(bytes) } : null;
    }
  }

  /** A process asks its node for a backup: an attempt to save it begins. */
  asksNode(by: string): void {
    this.#of(by).askedNodeAtMs = this.#nowMs();
  }

  /** The node's answer reaches it. */
  wasGiven(packed: Uint8Array, by: string): void {
    this.#of(by).given = readBackup(packed);
  }

  /** It learns that its node doesn't answer. */
  nodeIsSilent(by: string): void {
    this.#of(by).nodeSilentAtMs = this.#nowMs();
  }

  toldToStop(by: string): void {
    const process = this.#of(by);
    process.toldToStopAtMs = Math.min(process.toldToStopAtMs, this.#nowMs());
  }

  wasTold(event: ClaimEvent, by: string): void {
    const process = this.#of(by);
    switch (event.kind) {
      case "swapped":
        process.claimedAtMs = this.#nowMs();
        process.swappedAtMs = this.#nowMs();
        this.#checkSwapped(event.commit?.operation ?? "", process, by);
        break;
      case "unchanged":
        // Each claim rests on what was read after the one before.
        this.#checkHeld(
          "unchanged",
          Math.max(process.askedNodeAtMs, process.claimedAtMs ?? 0),
          process,
          by,
        );
        process.claimedAtMs = this.#nowMs();
        this.#checkSame(process, by);
        break;
      case "confirmed":
        // An idle mirror reads the pointer, and that alone shows that nothing else is current.
        if (event.depth === "version")
          this.#checkHeld("confirmed", process.swappedAtMs, process, by);
        break;
      case "retrying":
        process.troubledAtMs = this.#nowMs();
        break;
      case "recovered":
        if (this.#hasPointer && process.pointerAtMs < process.troubledAtMs) {
          this.#fail("claims", `${by} tells "recovered", and has not read the pointer since`);
        }
        break;
    }
  }

  /**
   * It ended as it was told to, and had heard of this. If it was cut short, it may
   * rest on what it read back before the stop.
   */
  stoppedCleanly(by: string, known: Known, isCutShort: boolean): void {
    const process = this.#of(by);
    if (process.claimedAtMs === null) return;
    const { toldToStopAtMs, swappedAtMs } = process;
    this.#checkHeld("stopped", isCutShort ? swappedAtMs : toldToStopAtMs, process, by);
    // If somebody overwrote the bytes and the hash, only the node could tell them from a backup.
    if (process.version?.backup === null && process.nodeSilentAtMs >= process.versionAtMs) return;
    const nothing: BackupFacts = { state: 0, channels: [], nonce: 0 };
    const { state, channels } = process.version?.backup ?? nothing;
    const lost = known.channels.filter((it) => !channels.includes(it) && !this.#isClosed(it));
    if (state >= known.state && lost.length === 0) return;
    const lacks = lost.length === 0 ? "" : `, without the channels ${lost.join()}`;
    this.#fail("saved", `${by} knew of state ${known.state}, and has read back ${state}${lacks}`);
  }

  #checkSwapped(operation: string, process: Knowledge, by: string): void {
    if (!this.#hasPointer) return;
    const isAnswered = process.pointerAtMs >= process.askedNodeAtMs;
    if (isAnswered && process.committed.includes(operation)) return;
    this.#fail("claims", `${by} tells "swapped", and the store has not told it of ${operation}`);
  }

  /** Since then it has read the pointer, and after that the version that it names, whole. */
  #checkHeld(claim: string, sinceMs: number, process: Knowledge, by: string): void {
    const { pointer, pointerAtMs, version, versionAtMs } = process;
    const isNamed = !this.#hasPointer || pointer?.version.key === version?.key;
    const isRead = versionAtMs >= sinceMs && (!this.#hasPointer || pointerAtMs >= sinceMs);
    if (isRead && isNamed && version !== null) return;
    this.#fail("claims", `${by} tells "${claim}", and has not read back what is current, whole`);
  }

  #checkSame({ given, version }: Knowledge, by: string): void {
    if (given === undefined || given?.channels.join() === version?.backup?.channels.join()) return;
    this.#fail("claims", `${by} tells "unchanged", and the store holds other channels`);
  }

  #of(name: string): Knowledge {
    let process = this.#processes.get(name);
    if (process === undefined) {
      process = {
        askedNodeAtMs: 0,
        given: undefined,
        pointer: null,
        pointerAtMs: -1,
        committed: [],
        version: null,
        versionAtMs: -1,
        nodeSilentAtMs: -1,
        troubledAtMs: 0,
        swappedAtMs: 0,
        toldToStopAtMs: Infinity,
        claimedAtMs: null,
      };
      this.#processes.set(name, process);
    }
    return process;
  }
}

/** Null if it isn't a pointer: somebody has written it by hand. */
function decoded(bytes: Uint8Array): SeenPointer | null {
  const pointer = decodePointer(bytes);
  return pointer.version === undefined ? null : pointer;
}
