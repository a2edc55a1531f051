import type { ReadVersion } from "../checks/see-version.ts";
import type { ExpectedVersion } from "../repository/version.ts";
import type { ListedObject, StoredObject } from "../store/object-store.ts";

/** What a listing says about an object, which changes with its content. Null if no listing covers it. */
export type Stamp = Pick<ListedObject, "sizeBytes" | "modifiedAt"> | null;

export function isSameStamp(a: Stamp, b: Stamp): boolean {
  return a?.sizeBytes === b?.sizeBytes && a?.modifiedAt === b?.modifiedAt;
}

/** How much may be remembered about all folders together. */
export class MemoryBudget {
  #leftBytes: number;

  constructor(bytes: number) {
    this.#leftBytes = bytes;
  }

  /** False if there isn't room for that many bytes. */
  take(bytes: number): boolean {
    if (bytes > this.#leftBytes) return false;
    this.#leftBytes -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#leftBytes += bytes;
  }
}

/** A part of a folder, as one listing showed it. */
export interface Listing {
  readonly objects: ReadonlyMap<string, ListedObject>;
  /** It has every key after this one… */
  readonly after: string;
  /** …up to this one; null for all. */
  readonly upTo: string | null;
  /** Monotonic. */
  readonly madeMs: number;
}

/** A version that was read back. */
export interface ReadBack {
  readonly expected: ExpectedVersion;
  readonly stamp: Stamp;
  /** Without its bytes. */
  readonly read: ReadVersion;
  /** Milliseconds since 1970. */
  readonly readAt: number;
  /** When it has to be read again. Monotonic. */
  readonly dueMs: number;
}

interface RememberedRecord {
  readonly stamp: Stamp;
  readonly object: StoredObject;
  readonly costBytes: number;
}

const largestRecordBytes = 64 * 1024;
/** The memory of the objects around a record's bytes. */
const recordOverheadBytes = 1024;

/** What is remembered about one node's folder from round to round. */
export class FolderMemory {
  readonly #budget: MemoryBudget;
  readonly #records = new Map<string, RememberedRecord>();
  readonly versions = new Map<string, ReadBack>();
  /** The folder's beginning, if one page of a listing doesn't show all of it. */
  start: Listing | null = null;
  /** The rest of such a folder, from the current version on. */
  end: Listing | null = null;
  /** Which of these two the next round makes again. */
  turn: "start" | "end" = "start";

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** The object, if the listing still says what it said when the object was read. */
  record(key: string, stamp: Stamp): StoredObject | null {
    const known = this.#records.get(key);
    if (known === undefined || !isSameStamp(known.stamp, stamp)) return null;
    return { ...known.object, bytes: known.object.bytes.slice() };
  }

  /** Remembers an object that was read after the listing that showed `stamp`, if it is small. */
  learn(key: string, stamp: Stamp, object: StoredObject): void {
    this.#forget(key);
    const costBytes = object.bytes.length + recordOverheadBytes;
    if (object.bytes.length > largestRecordBytes || !this.#budget.take(costBytes)) return;
    this.#records.set(key, {
      stamp,
      object: { ...object, bytes: object.bytes.slice() },
      costBytes,
    });
  }

  /** Forgets everything that the ending round didn't ask for. */
  keepOnly(asked: ReadonlySet<string>): void {
    for (const key of [...this.#records.keys()]) if (!asked.has(key)) this.#forget(key);
    for (const key of [...this.versions.keys()]) if (!asked.has(key)) this.versions.delete(key);
  }

  #forget(key: string): void {
    const known = this.#records.get(key);
    if (known === undefined) return;
    this.#records.delete(key);
    this.#budget.give(known.costBytes);
  }
}
