import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { throwIfAborted } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { headByGet } from "./head-by-get.ts";
import {
  checkFolderPrefix,
  checkKey,
  checkMetadata,
  checkPrefix,
  compareKeys,
} from "./object-key.ts";
import {
  type Conditions,
  defaultMaxBytes,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type RequestOptions,
  type StoredObject,
  tooLargeError,
} from "./object-store.ts";
import { checkCondition, refuseCondition } from "./put-condition.ts";

/** What several `MemoryStore`s share, as several clients share one bucket. */
export type MemoryState = Map<string, StoredObject>;

/**
 * Objects in this process's memory, for tests and simulations. The etag is a hash of the content, as in
 * MinIO, so equal bytes have equal etags.
 */
export class MemoryStore implements ObjectStore {
  readonly location = "memory:";
  readonly conditions: Conditions;
  readonly #state: MemoryState;
  readonly #clock: Clock;

  /** With "none" it is append-only, like a remote without conditional writes. */
  constructor(
    state: MemoryState = new Map(),
    clock: Clock = systemClock,
    conditions: Conditions = "enforced",
  ) {
    this.conditions = conditions;
    this.#state = state;
    this.#clock = clock;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    const { signal, maxBytes = defaultMaxBytes } = options;
    throwIfAborted(signal);
    const object = this.#state.get(key);
    if (object !== undefined && object.sizeBytes > maxBytes) {
      throw tooLargeError(key, this.location, maxBytes);
    }
    return object === undefined ? null : { ...object, bytes: object.bytes.slice() };
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectInfo | null> {
    return headByGet(this, key, options);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    const metadata = { ...options.metadata };
    checkMetadata(metadata);
    if (this.conditions === "none") refuseCondition(key, options.condition, this.location);
    throwIfAborted(options.signal);
    const currentEtag = this.#state.get(key)?.etag ?? null;
    checkCondition(key, currentEtag, options.condition, this.location);
    const content = bytes.slice();
    const etag = `"${bytesToHex(sha256(content))}"`;
    const modifiedAt = this.#clock.now();
    const sizeBytes = content.length;
    this.#state.set(key, { key, bytes: content, sizeBytes, modifiedAt, etag, metadata });
    return { etag };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter = "" } = options;
    const keys = [...this.#state.keys()].filter(
      (key) => key.startsWith(prefix) && key > startAfter,
    );
    for (const key of keys.sort(compareKeys)) {
      throwIfAborted(options.signal);
      const object = this.#state.get(key);
      if (object === undefined) continue;
      yield { key, sizeBytes: object.sizeBytes, modifiedAt: object.modifiedAt };
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    const folders = new Set<string>();
    for await (const { key } of this.list(prefix, options)) {
      const [folder = "", ...below] = key.slice(prefix.length).split("/");
      if (below.length === 0 || folders.has(folder)) continue;
      folders.add(folder);
      yield folder;
    }
  }

  async delete(key: string, options: RequestOptions = {}): Promise<void> {
    checkKey(key);
    throwIfAborted(options.signal);
    this.#state.delete(key);
  }

  async close(): Promise<void> {}
}
