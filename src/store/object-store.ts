import { ScbError } from "../runtime/error.ts";
import type { StoreInspection } from "./store-inspection.ts";

/**
 * Whether a store enforces the condition of a put. One that doesn't is append-only: it promises all
 * that `ObjectStore` says but atomic replacement and everything about conditions, a put with a
 * condition is "store-rejected", and the mirror only ever adds objects under new names there.
 */
export type Conditions = "enforced" | "none";

/**
 * One bucket and prefix, or one folder. The whole of what the mirror asks of storage.
 *
 * Keys are relative to the store's root: segments of `[A-Za-z0-9._-]` joined by `/`, no leading
 * slash, no `.` or `..` segment, no segment that begins with a dot. No key is also a folder of
 * another key (`a` beside `a/b`): a folder store could not hold both.
 *
 * Promises of every implementation, held by `objectStoreSuite`:
 * - A put is atomic: a reader sees the old object whole or the new one whole. (If `conditions` is
 *   "none": the new object whole, or none for a moment.)
 * - A put that resolved is durable, and every later read anywhere shows it, or a newer one.
 * - Of concurrent conditional puts with the same condition at most one resolves.
 * - An etag names one content of one key. It is compared whole and as it is, never parsed.
 *   Equal bytes may have equal etags: a caller for whom that matters writes unique bytes.
 * - A delete has no condition: one that races a put comes before it, after it, or between the look
 *   at its condition and its commit.
 * - Objects whose names are no keys may lie there too (hidden files, a console's folder markers):
 *   they are never listed.
 *
 * Errors, the same for every implementation:
 * - `store-precondition`: the condition did not hold; this request wrote nothing.
 * - `store-missing`: `ifMatch` on a key that holds nothing; this request wrote nothing.
 * - `store-busy`: not now (throttled, conflict under way, never reached, disk full). Nothing is
 *   known to have landed.
 * - `store-unknown`: sent, and no clear answer. A put may have landed, or may yet land.
 * - `store-too-large`: `get` met an object of more than `maxBytes`.
 * - `store-denied`, `store-no-bucket`, `store-clock`, `store-rejected`: asking again is useless.
 *   A key, prefix or metadata that no store takes is `store-rejected`.
 * - `usage`: what the environment says of the store can't be used; the message names the variable.
 * - `aborted`: the signal. For a put this says nothing about whether it landed.
 * Each call ends within a time that follows from its sizes, whatever the store does: with
 * `store-busy` or `store-unknown`. An answer that doesn't look like the store's own is nobody's
 * answer: `store-unknown`. So "nothing there", in `get` and in a list, is what the store itself said.
 * A request is sent once: retrying is the caller's, who alone knows what a repetition means.
 */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix` or `file:///path`. Holds no secret. */
  readonly location: string;
  readonly conditions: Conditions;
  /** Tells apart services that have the same location; absent where the location says it all. */
  readonly service?: (() => Promise<string>) | undefined;
  /** How the service is set up; absent where there is nothing but a folder. */
  readonly inspection?: StoreInspection | undefined;
  /** The object, read strongly, or null. Never holds more than `maxBytes` of it in memory. */
  get(key: string, options?: GetOptions): Promise<StoredObject | null>;
  /** As `get`, without the bytes. */
  head(key: string, options?: RequestOptions): Promise<ObjectInfo | null>;
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string }>;
  /** Every object whose key begins with `prefix`, in the order of the keys' bytes. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /**
   * The next path segments below `prefix` (which ends in `/`, or is empty) under which there is an
   * object, without the slash, each once, in no particular order: services differ in it.
   */
  listFolders(prefix: string, options?: RequestOptions): AsyncIterable<string>;
  /** Removes the object. Resolves also when there is none. */
  delete(key: string, options?: RequestOptions): Promise<void>;
  /** Frees connections. May be called twice; nothing else may be called after it. */
  close(): Promise<void>;
}

/** What every request takes. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How an object is read. */
export interface GetOptions extends RequestOptions {
  /** A larger object is `store-too-large`. Default: `defaultMaxBytes`. */
  readonly maxBytes?: number | undefined;
}

/** Far above what a node's backup can be. */
export const defaultMaxBytes = 200 * 1024 * 1024;

/** A node that saved every five minutes would take ten years to write so many names. */
export const mostListed = 1_000_000;
/** So many pages in a row may hold nothing: deleted names fill pages of a versioned bucket. */
export const mostIdlePages = 64;
/** How much more time each name buys a listing: a page of a thousand may take ten seconds. */
export const listedMs = 10;

export function tooLargeError(key: string, location: string, maxBytes: number): ScbError {
  return new ScbError(
    "store-too-large",
    `${key} in ${location} is larger than the ${maxBytes} bytes that it may have: it is not what it should be`,
  );
}

/** What a list leaves out. */
export interface ListOptions extends RequestOptions {
  /** Begin after this key. */
  readonly startAfter?: string | undefined;
}

/** How an object is written. */
export interface PutOptions extends RequestOptions {
  /** What must be true of the key for the put to happen. Default: nothing. */
  readonly condition?: PutCondition | undefined;
  /**
   * Small facts about the object. Names `[a-z0-9-]+`; values printable ASCII, not empty, without
   * space at either end; 1,536 bytes in all. Part of the object: replaced with its content.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly contentType?: string | undefined;
}

/** What must be true of a key for a put to happen: else "store-precondition" or "store-missing". */
export type PutCondition =
  /** The key holds nothing (`If-None-Match: *`). */
  | { readonly kind: "absent" }
  /** The key holds the object that has this etag (`If-Match`). */
  | { readonly kind: "match"; readonly etag: string };

/** An object as a list names it. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** By the store's clock, milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** All of an object but its bytes. */
export interface ObjectInfo extends ListedObject {
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An object with its bytes, which are the caller's own. */
export interface StoredObject extends ObjectInfo {
  readonly bytes: Uint8Array;
}
