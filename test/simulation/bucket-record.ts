import { parseVersionKey } from "../../src/repository/layout.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import type { StoredObject } from "../../src/store/object-store.ts";
import type { BackupFacts } from "./simulated-backup.ts";

/** The parts of a pointer that the checks use. */
export interface SeenPointer {
  readonly sequence: number;
  readonly version: { readonly key: string; readonly size: number; readonly sha256: string };
  readonly previous: { readonly key: string; readonly sha256: string } | null;
  readonly operation: string;
  readonly recentOperations: readonly string[];
  readonly alsoRestore?: readonly { readonly key: string; readonly channelPoints: string[] }[];
}

/** What lies under one key. */
export interface RecordedObject {
  readonly object: StoredObject;
  readonly sha256: string;
  /** Since when it has been there unchanged. */
  readonly sinceMs: number;
}

/** What the bucket holds, and what was ever sent to it, recorded by an observer of every change. */
export class BucketRecord {
  readonly objects = new Map<string, RecordedObject>();
  /** What the writer sent to each version's key. */
  readonly sent = new Map<
    string,
    { readonly sha256: string; readonly backup: BackupFacts | null }
  >();
  /** Which versions somebody removed or overwrote by hand. */
  readonly tampered = new Set<string>();
  readonly prunedAtMs = new Map<string, number>();
  pointer: SeenPointer | null = null;

  put(object: StoredObject, nowMs: number): RecordedObject {
    const recorded = { object, sha256: sha256Hex(object.bytes), sinceMs: nowMs };
    this.objects.set(object.key, recorded);
    return recorded;
  }

  /** The backup under `key`, if its bytes are those that were sent. */
  whole(key: string): BackupFacts | null {
    const sent = this.sent.get(key);
    return sent !== undefined && this.objects.get(key)?.sha256 === sent.sha256 ? sent.backup : null;
  }

  /** The version that the pointer names is there, and is what was saved under that name. */
  get isTargetWhole(): boolean {
    if (this.pointer === null) return false;
    const { key, sha256 } = this.pointer.version;
    return this.whole(key) !== null && this.objects.get(key)?.sha256 === sha256;
  }

  /** The version it names has the hash that it states; a reader without the key can't know more. */
  get isTargetAsNamed(): boolean {
    const { key, sha256 } = this.pointer?.version ?? { key: "", sha256: "" };
    return this.objects.get(key)?.sha256 === sha256;
  }

  /** Versions with a later sequence than the pointer's. */
  get later(): readonly RecordedObject[] {
    const sequence = this.pointer?.sequence ?? 0;
    return [...this.objects.values()].filter(
      ({ object: { key } }) => (parseVersionKey(key)?.sequence ?? 0) > sequence,
    );
  }

  /** The intact ones among them. */
  get beyond(): readonly RecordedObject[] {
    return this.later.filter(({ object: { key } }) => this.whole(key) !== null);
  }

  /** Every channel that a restore of the current version would recover. */
  get restorable(): ReadonlySet<number> {
    const { version, alsoRestore = [] } = this.pointer ?? {};
    const keys = [...(version === undefined ? [] : [version]), ...alsoRestore].map(
      ({ key }) => key,
    );
    return new Set(keys.flatMap((key) => this.whole(key)?.channels ?? []));
  }
}

export function decodePointer(bytes: Uint8Array): SeenPointer {
  const pointer: SeenPointer = JSON.parse(new TextDecoder().decode(bytes));
  return pointer;
}
