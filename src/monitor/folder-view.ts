import { type ReadVersion, seeVersion } from "../checks/see-version.ts";
import { latestKey, parseVersionKey, versionKey, versionsPrefix } from "../repository/layout.ts";
import type { ExpectedVersion } from "../repository/version.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type {
  GetOptions,
  ListedObject,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  RequestOptions,
  StoredObject,
} from "../store/object-store.ts";
import { type FolderMemory, isSameStamp, type Listing, type Stamp } from "./folder-memory.ts";

/** How many objects one listing request shows, in any store. */
const pageObjects = 1000;
/** How old a listing may be and still serve a second round. */
const listingMs = 2 * 60_000;
/** A version is read back again after 50 to 60 minutes, so that not all are due in the same round. */
const readBackMs = 3_600_000;
const readBackSpreadMs = 10 * 60_000;

export interface FolderViewOptions extends RequestOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A node's folder for one look at it, with what earlier looks have learned. The pointer is read every time.
 * Anything else is read again only if a later listing shows that it has changed, so a folder in which nothing
 * happened costs two requests, whatever is asked. Nothing can be written.
 */
export class FolderView implements ObjectStore {
  readonly location: string;
  readonly conditions: ObjectStore["conditions"];
  readonly #store: ObjectStore;
  readonly #memory: FolderMemory;
  readonly #options: FolderViewOptions;
  readonly #asked = new Set<string>();
  #start: Promise<Listing> | null = null;
  #end: Promise<Listing> | null = null;

  constructor(store: ObjectStore, memory: FolderMemory, options: FolderViewOptions) {
    this.location = store.location;
    this.conditions = store.conditions;
    this.#store = store;
    this.#memory = memory;
    this.#options = options;
  }

  async get(key: string, options?: GetOptions): Promise<StoredObject | null> {
    if (key === latestKey || key.startsWith(versionsPrefix)) return this.#store.get(key, options);
    this.#asked.add(key);
    const stamp = await this.#stampOf(key);
    const known = stamp && this.#memory.record(key, stamp);
    if (known !== null && known !== undefined) return known;
    const object = await this.#store.get(key, options);
    if (object !== null && stamp) this.#memory.learn(key, stamp, object);
    return object;
  }

  head(key: string, options?: RequestOptions): Promise<ObjectInfo | null> {
    return this.#store.head(key, options);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    const { startAfter = "" } = options;
    const listings = [await this.#startListing(), this.#end && (await this.#end)];
    const listing = listings.find((one) => one !== null && covers(one, prefix, startAfter));
    if (listing === undefined || listing === null) {
      yield* this.#store.list(prefix, options);
      return;
    }
    for (const object of listing.objects.values()) {
      if (object.key.startsWith(prefix) && object.key > startAfter) yield object;
    }
  }

  listFolders(prefix: string, options?: RequestOptions): AsyncIterable<string> {
    return this.#store.listFolders(prefix, options);
  }

  put(): Promise<never> {
    return Promise.reject(new ScbError("internal", "a monitor writes nothing"));
  }

  delete(): Promise<never> {
    return Promise.reject(new ScbError("internal", "a monitor deletes nothing"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Like `seeVersion`, without a key or node. Reads a version back if the listing shows that it has changed,
   * if something else is expected of it, and once an hour.
   */
  async see(expected: ExpectedVersion): Promise<ReadVersion> {
    const { clock, random, signal } = this.#options;
    const { key } = expected;
    const { versions } = this.#memory;
    this.#asked.add(key);
    const stamp = await this.#stampOf(key);
    const known = versions.get(key);
    const isStill =
      known !== undefined &&
      stamp !== undefined &&
      isSameStamp(known.stamp, stamp) &&
      isSameExpected(known.expected, expected) &&
      clock.monotonicMs() < known.dueMs;
    if (isStill) return known.read;
    const seen = await seeVersion({ store: this.#store, signal }, expected, null);
    const { reading } = seen.version;
    versions.delete(key);
    const read = { ...seen, packed: null };
    if (stamp === undefined || !reading.known || reading.value === "missing") return read;
    const dueMs = clock.monotonicMs() + readBackMs - random.unit() * readBackSpreadMs;
    versions.set(key, { expected, stamp, read, readAt: clock.now(), dueMs });
    return read;
  }

  /** The oldest time at which a requested version was read back; null if one of them wasn't. */
  readBackAt(): number | null {
    const times = [...this.#asked]
      .filter((key) => key.startsWith(versionsPrefix))
      .map((key) => this.#memory.versions.get(key)?.readAt ?? null);
    return times.reduce<number | null>(
      (oldest, time) => (oldest === null || time === null ? null : Math.min(oldest, time)),
      times.length === 0 ? null : Infinity,
    );
  }

  /** Ends the look, and forgets what it didn't ask for. */
  end(): void {
    this.#memory.keepOnly(this.#asked);
    this.#memory.turn = this.#memory.turn === "start" ? "end" : "start";
  }

  /** Undefined if it should be in the listing but isn't: then it is read, whatever is remembered. */
  async #stampOf(key: string): Promise<Stamp | undefined> {
    const start = await this.#startListing();
    const isVersion = parseVersionKey(key);
    const end =
      isVersion && start.upTo !== null ? await this.#endListing(isVersion.sequence) : null;
    const listing = [start, end].find((one) => one !== null && coversKey(one, key));
    if (listing === undefined || listing === null) return null;
    return listing.objects.get(key);
  }

  #startListing(): Promise<Listing> {
    const { turn, start } = this.#memory;
    const isReused = turn === "end" && this.#isFresh(start);
    this.#start ??= isReused && start !== null ? Promise.resolve(start) : this.#listStart();
    return this.#start;
  }

  async #listStart(): Promise<Listing> {
    const { clock, signal } = this.#options;
    const objects = new Map<string, ListedObject>();
    let upTo: string | null = null;
    for await (const object of this.#store.list("", { signal })) {
      objects.set(object.key, object);
      // Anything after the first page would be another request.
      if (objects.size < pageObjects) continue;
      upTo = object.key;
      break;
    }
    const listing: Listing = { objects, after: "", upTo, madeMs: clock.monotonicMs() };
    if (upTo === null) {
      this.#memory.start = null;
      this.#memory.end = null;
      return listing;
    }
    // No check needs the oldest versions.
    for (const key of objects.keys()) if (key.startsWith(versionsPrefix)) objects.delete(key);
    this.#memory.start = listing;
    return listing;
  }

  /** From the current version on, which is always requested first. */
  #endListing(sequence: number): Promise<Listing> {
    this.#end ??= this.#listEnd(versionKey(sequence, ""));
    return this.#end;
  }

  async #listEnd(after: string): Promise<Listing> {
    const { clock, signal } = this.#options;
    const { turn, end } = this.#memory;
    if (turn === "start" && end?.after === after && this.#isFresh(end)) return end;
    const objects = new Map<string, ListedObject>();
    for await (const object of this.#store.list(versionsPrefix, { startAfter: after, signal })) {
      objects.set(object.key, object);
    }
    const listing: Listing = { objects, after, upTo: null, madeMs: clock.monotonicMs() };
    this.#memory.end = listing;
    return listing;
  }

  #isFresh(listing: Listing | null): boolean {
    return listing !== null && this.#options.clock.monotonicMs() - listing.madeMs < listingMs;
  }
}

/** Whether the listing has every key that begins with `prefix` and comes after `startAfter`. */
function covers({ after, upTo }: Listing, prefix: string, startAfter: string): boolean {
  const isBegun = after === "" || after <= startAfter || after < prefix;
  const isEnded = upTo === null || (upTo > prefix && !upTo.startsWith(prefix));
  return isBegun && isEnded;
}

function coversKey({ after, upTo }: Listing, key: string): boolean {
  return key > after && (upTo === null || (key <= upTo && !key.startsWith(versionsPrefix)));
}

function isSameExpected(a: ExpectedVersion, b: ExpectedVersion): boolean {
  return a.sha256 === b.sha256 && a.sizeBytes === b.sizeBytes;
}
