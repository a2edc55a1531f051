import { ScbError } from "../runtime/error.ts";
import type { StoreInspection } from "./store-inspection.ts";

/**
 * Whether a store enforces the condition of a put. If not, it is append-only: it promises everything in
 * `ObjectStore` except atomic replacement and conditions, a put with a condition is "store-rejected", and
 * the mirror only adds objects under new names.
 */
export type Conditions = "enforced" | "none";

/**
 * One bucket and prefix, or one folder: everything that the mirror needs from storage.
 *
 * Keys are relative to the store's root: segments of `[A-Za-z0-9._-]` joined by `/`, no leading slash, no
 * `.` or `..` segment, no segment starting with a dot. No key is also a folder of another key (`a` beside
 * `a/b`), because a folder store could not hold both.
 *
 * Promises of every implementation, tested by `objectStoreSuite`:
 * - A put is atomic: a reader sees the whole old object or the whole new one. (If `conditions` is "none":
 *   the whole new object, or none for a moment.)
 * - A put that resolved is durable, and every later read anywhere shows it or a newer one.
 * - Of concurrent conditional puts with the same condition, at most one resolves.
 * - An etag identifies one content of one key. It is compared whole and verbatim, never parsed. Equal
 *   bytes may have equal etags: callers for whom that matters write unique bytes.
 * - A delete has no condition. If it races a put, it comes before it, after it, or between the put's
 *   check of its condition and its commit.
 * - Objects whose names aren't keys may exist too (hidden files, a console's folder markers). They are
 *   never listed.
 *
 * Errors, the same for every implementation:
 * - `store-precondition`: the condition did not hold; this request wrote nothing.
 * - `store-missing`: a "match" condition on a key that holds nothing; this request wrote nothing.
 * - `store-busy`: not now (throttled, conflict under way, never reached, disk full). Nothing is known to
 *   have landed.
 * - `store-unknown`: sent, but without a clear answer. A put may have landed, or may yet land.
 * - `store-too-large`: `get` met an object of more than `maxBytes`.
 * - `store-denied`, `store-no-bucket`, `store-clock`, `store-rejected`: retrying is useless. An invalid
 *   key, prefix or metadata is `store-rejected`.
 * - `usage`: the environment's settings for the store can't be used; the message names the variable.
 * - `aborted`: the signal. For a put, this says nothing about whether it landed.
 *
 * Each call ends within a time that follows from its sizes, whatever the store does, with `store-busy` or
 * `store-unknown`. An answer that doesn't look like the store's own is `store-unknown`, whoever sent it.
 * So "nothing there", in `get` and in a list, always comes from the store itself. A request is sent once:
 * only the caller knows what a repetition means, so retrying is up to the caller.
 */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix` or `file:///path`. Holds no secret. */
  readonly location: string;
  readonly conditions: Conditions;
  /** Distinguishes services with the same location; absent if the location does. */
  readonly service?: (() => Promise<string>) | undefined;
  /** Reports the service's set-up; absent if there is nothing but a folder. */
  readonly inspection?: StoreInspection | undefined;
  /**
   * Reads the object, strongly; null if there is none. Never holds more than `maxBytes` of it in memory.
   */
  get(key: string, options?: GetOptions): Promise<StoredObject | null>;
  /** As `get`, without the bytes. */
  head(key: string, options?: RequestOptions): Promise<ObjectInfo | null>;
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }>;
  /** Every object whose key starts with `prefix`, in byte order of the keys. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /**
   * The next path segments below `prefix` (which ends in `/`, or is empty) under which there is an
   * object, without the slash, each once, in no particular order, because services differ.
   */
  listFolders(prefix: string, options?: RequestOptions): AsyncIterable<string>;
  /** Removes the object. Also resolves if there is none. */
  delete(key: string, options?: RequestOptions): Promise<void>;
  /** Frees connections. May be called twice; nothing else may be called afterwards. */
  close(): Promise<void>;
}

/** Options of every request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options for reading an object. */
export interface GetOptions extends RequestOptions {
  /** A larger object is `store-too-large`. Default: `defaultMaxBytes`. */
  readonly maxBytes?: number | undefined;
}

/** Far more than a node's backup can have. */
export const defaultMaxBytes = 200 * 1024 * 1024;

/** A node that saved every five minutes would take ten years to write this many names. */
export const mostListed = 1_000_000;
/** How many pages in a row may be empty: deleted names fill pages of a versioned bucket. */
export const mostIdlePages = 64;
/** How much each name extends a listing's time limit: a page of a thousand may take ten seconds. */
export const listedMs = 10;

export function tooLargeError(key: string, location: string, maxBytes: number): ScbError {
  return new ScbError(
    "store-too-large",
    `${key} in ${location} is larger than the limit of ${maxBytes} bytes: it is not what it should be`,
  );
}

/** Options for a list. */
export interface ListOptions extends RequestOptions {
  /** Start after this key. */
  readonly startAfter?: string | undefined;
}

/** Options for writing an object. */
export interface PutOptions extends RequestOptions {
  /** The condition for the put. Default: none. */
  readonly condition?: PutCondition | undefined;
  /**
   * Small facts about the object. Names match `[a-z0-9-]+`; values are printable ASCII, not empty,
   * without spaces at either end; 1,536 bytes in all. Part of the object: replaced with its content.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly contentType?: string | undefined;
}

/** What must be true of the key. Otherwise the put is "store-precondition" or "store-missing". */
export type PutCondition =
  /** The key holds nothing (`If-None-Match: *`). */
  | { readonly kind: "absent" }
  /** The key holds the object with this etag (`If-Match`). */
  | { readonly kind: "match"; readonly etag: string };

/** An object as a list reports it. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** By the store's clock, milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** Everything about an object but its bytes. */
export interface ObjectInfo extends ListedObject {
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An object with its bytes, which are the caller's own copy. */
export interface StoredObject extends ObjectInfo {
  readonly bytes: Uint8Array;
}
