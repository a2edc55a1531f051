import { sha256Hex } from "../../src/runtime/digest.ts";
import { ScbError } from "../../src/runtime/error.ts";
import type {
  ListedObject,
  ObjectInfo,
  PutCondition,
  StoredObject,
} from "../../src/store/object-store.ts";
import { checkCondition } from "../../src/store/put-condition.ts";
import { epochMs } from "./simulated-clock.ts";

export interface BucketFlavour {
  /** Deleted objects can be restored unchanged, with their etag. */
  readonly isVersioned: boolean;
  /** An etag that depends on the content, as in MinIO, or a new one for each put. */
  readonly etags: "of-content" | "unique";
  /** As many keys are in one page of a listing, which is read page by page. */
  readonly pageSize: number;
}

/** Who has sent a request, and when. */
export interface Requester {
  readonly name: string;
  readonly sentAtMs: number;
  /** Its sender had been told that there is no answer when it arrived. */
  readonly wasLate: boolean;
}

/** Somebody who changes the bucket by hand in ways that none of our programs does. */
export const somebody = "somebody";

export interface BucketWatcher {
  wasRead(key: string, by: Requester): void;
  wasPut(object: StoredObject, by: Requester): void;
  wasDeleted(key: string, by: Requester): void;
}

/**
 * The bucket itself, in which each request takes effect at one moment. It is honest: the network
 * is what loses, delays or duplicates requests.
 */
export class SimulatedBucket {
  readonly location = "simulated:";
  readonly flavour: BucketFlavour;
  readonly #watcher: BucketWatcher;
  readonly #nowMs: () => number;
  readonly #objects = new Map<string, StoredObject>();
  #puts = 0;
  #isNextVersionDamaged = false;

  constructor(flavour: BucketFlavour, watcher: BucketWatcher, nowMs: () => number) {
    this.flavour = flavour;
    this.#watcher = watcher;
    this.#nowMs = nowMs;
  }

  get(key: string, by: Requester | null = null): StoredObject | null {
    if (by !== null) this.#watcher.wasRead(key, by);
    const object = this.#objects.get(key);
    return object === undefined ? null : { ...object, bytes: object.bytes.slice() };
  }

  head(key: string): ObjectInfo | null {
    const object = this.#objects.get(key);
    if (object === undefined) return null;
    const { bytes: _, ...info } = object;
    return info;
  }

  put(
    key: string,
    bytes: Uint8Array,
    condition: PutCondition | undefined,
    metadata: Readonly<Record<string, string>>,
    by: Requester,
  ): { etag: string } {
    checkCondition(key, this.#objects.get(key)?.etag ?? null, condition, this.location);
    if (this.#isNextVersionDamaged && key.startsWith("versions/")) {
      this.#isNextVersionDamaged = false;
      this.#store(key, bytes.slice(0, -1), metadata, by);
      throw new ScbError("store-unknown", `simulated: put ${key}: broke while it was written`);
    }
    return { etag: this.#store(key, bytes, metadata, by) };
  }

  delete(key: string, by: Requester): void {
    if (this.#objects.delete(key)) this.#watcher.wasDeleted(key, by);
  }

  /** All that lies there now. */
  copy(): readonly StoredObject[] {
    return [...this.#objects.values()];
  }

  /** Somebody writes over what `key` holds, whatever it is. */
  overwrite(object: StoredObject, by: Requester): void {
    const { key, bytes, metadata } = object;
    this.#store(key, bytes, metadata, by);
  }

  /** Somebody makes the folder what it was. */
  putFolderBack(copy: readonly StoredObject[], by: Requester): void {
    const kept = new Set(copy.map(({ key }) => key));
    for (const key of [...this.#objects.keys()]) if (!kept.has(key)) this.delete(key, by);
    // The pointer last, so that the version that it names is always there.
    const inOrder = copy.toSorted((a, b) => (a.key < b.key ? 1 : -1));
    for (const object of inOrder) {
      const held = this.#objects.get(object.key);
      if (held?.etag !== object.etag) this.putObjectBack(object, by);
    }
  }

  /** Somebody makes the object what it was: on a versioned bucket, with its etag. */
  putObjectBack(object: StoredObject, by: Requester): void {
    if (this.flavour.isVersioned) {
      this.#objects.set(object.key, object);
      this.#watcher.wasPut(object, by);
    } else this.overwrite(object, by);
  }

  /** Somebody makes `object` what its key holds again. */
  putBack(object: StoredObject, by: Requester): void {
    const { key, bytes, metadata } = object;
    if (this.flavour.isVersioned) this.#objects.set(key, object);
    else this.#store(key, bytes, metadata, by);
  }

  /** The next version loses its last byte, and its sender gets no clear answer. */
  damageNextVersion(): void {
    this.#isNextVersionDamaged = true;
  }

  /** Which key holds what. */
  contents(): readonly (readonly [key: string, etag: string])[] {
    return [...this.#objects.values()].map(({ key, etag }) => [key, etag] as const).sort();
  }

  /** One page of a listing. */
  page(prefix: string, startAfter: string): readonly ListedObject[] {
    return [...this.#objects.values()]
      .filter(({ key }) => key.startsWith(prefix) && key > startAfter)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, this.flavour.pageSize)
      .map(({ key, sizeBytes, modifiedAt }) => ({ key, sizeBytes, modifiedAt }));
  }

  #store(
    key: string,
    bytes: Uint8Array,
    metadata: Readonly<Record<string, string>>,
    by: Requester,
  ): string {
    this.#puts += 1;
    const etag = `"${this.flavour.etags === "unique" ? this.#puts : sha256Hex(bytes)}"`;
    const modifiedAt = epochMs + Math.floor(this.#nowMs());
    const object = { key, bytes, sizeBytes: bytes.length, modifiedAt, etag, metadata };
    this.#objects.set(key, object);
    this.#watcher.wasPut(object, by);
    return etag;
  }
}
