import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { type ListingPage, listingPages } from "./listing-pages.ts";
import {
  checkFolderPrefix,
  checkKey,
  checkMetadata,
  checkPrefix,
  isKey,
  isKeySegment,
} from "./object-key.ts";
import {
  defaultMaxBytes,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type RequestOptions,
  type StoredObject,
} from "./object-store.ts";
import type { StoreInspection } from "./store-inspection.ts";
import { operationLimitMs } from "./time-limits.ts";

export interface BucketStoreOptions {
  /** For messages: "s3://bucket/prefix". */
  readonly location: string;
  /** No slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  /** Completes "the answer is not that of": the service, and what to check. */
  readonly expected: string;
}

/** An object to request. `name` is its full name in the bucket: the store's prefix and the key. */
export interface BucketTarget extends RequestOptions {
  readonly key: string;
  readonly name: string;
}

/** What to write. The bytes are the store's own copy. */
export interface BucketContent extends Pick<PutOptions, "condition"> {
  readonly bytes: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
  readonly contentType: string;
}

export interface PageRequest extends ListOptions {
  /** Completes "cannot …" in messages: "list a/b". */
  readonly doing: string;
  /** The prefix of every full name. `startAfter` is a full name, too. */
  readonly prefix: string;
  /** Whether to list the folders below the prefix instead of all objects. */
  readonly isByFolder: boolean;
  /** `next` of the previous page. */
  readonly token: string | undefined;
  /** The error for an answer that the service never sends. `why` completes "cannot list …". */
  refuse(why: string): ScbError;
}

/**
 * A bucket of some service, or the part of one under a prefix. This class checks keys and metadata, builds
 * full names and reads listings to their end. A subclass requests one object or one page, and interprets the
 * answer.
 */
export abstract class BucketStore implements ObjectStore {
  readonly conditions = "enforced";
  readonly location: string;
  abstract readonly inspection: StoreInspection;
  /** "" or ends in "/". */
  protected readonly root: string;
  protected readonly clock: Clock;
  readonly #limitMs: number;
  readonly #expected: string;

  constructor({ location, prefix, requestTimeoutMs, clock, expected }: BucketStoreOptions) {
    this.location = location;
    this.root = prefix === "" ? "" : `${prefix}/`;
    this.clock = clock;
    this.#limitMs = operationLimitMs(requestTimeoutMs);
    this.#expected = expected;
  }

  abstract service(): Promise<string>;
  abstract close(): Promise<void>;

  protected abstract read(target: BucketTarget, maxBytes: number): Promise<StoredObject | null>;
  protected abstract look(target: BucketTarget): Promise<ObjectInfo | null>;
  protected abstract write(
    target: BucketTarget,
    content: BucketContent,
  ): Promise<{ readonly etag: string }>;
  protected abstract remove(target: BucketTarget): Promise<void>;
  protected abstract page(request: PageRequest): Promise<ListingPage>;

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    const { maxBytes = defaultMaxBytes } = options;
    return this.read(this.#target(key, options), maxBytes);
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectInfo | null> {
    return this.look(this.#target(key, options));
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const target = this.#target(key, options);
    const { metadata = {}, contentType = "application/octet-stream", condition } = options;
    checkMetadata(metadata);
    return this.write(target, { bytes: Buffer.from(bytes), metadata, contentType, condition });
  }

  async delete(key: string, options: RequestOptions = {}): Promise<void> {
    await this.remove(this.#target(key, options));
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter } = options;
    for await (const { objects } of this.#pages(prefix, false, options)) {
      for (const { name, sizeBytes, modifiedAt } of objects) {
        const key = name.slice(this.root.length);
        // Azure can't start in the middle, and Google starts at the given name, not after it.
        if (!isKey(key) || (startAfter !== undefined && key <= startAfter)) continue;
        yield { key, sizeBytes, modifiedAt };
      }
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    for await (const { folders } of this.#pages(prefix, true, options)) {
      for (const name of folders) {
        const folder = name.slice(this.root.length + prefix.length, -1);
        if (isKeySegment(folder)) yield folder;
      }
    }
  }

  /** The error for an answer that the service never gives. `doing` completes "cannot …". */
  protected notOurs(doing: string): ScbError {
    const { location } = this;
    const text = `cannot ${doing} in ${location}: the answer is not that of ${this.#expected}`;
    return new ScbError("store-rejected", text);
  }

  #target(key: string, { signal }: RequestOptions): BucketTarget {
    checkKey(key);
    return { key, name: `${this.root}${key}`, signal };
  }

  #pages(
    prefix: string,
    isByFolder: boolean,
    { startAfter, signal }: ListOptions,
  ): AsyncGenerator<ListingPage> {
    const doing = prefix === "" ? "list" : `list ${prefix}`;
    const wanted = `${this.root}${prefix}`;
    const refuse = (why: string): ScbError => this.notOurs(`${doing} ${why}`);
    const request = {
      doing,
      prefix: wanted,
      isByFolder,
      startAfter: startAfter === undefined ? undefined : `${this.root}${startAfter}`,
      signal,
      refuse,
    };
    return listingPages({
      doing: `${doing} in ${this.location}`,
      wanted,
      limitMs: this.#limitMs,
      clock: this.clock,
      fetch: (token) => this.page({ ...request, token }),
      refuse,
    });
  }
}
