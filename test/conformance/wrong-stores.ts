import { ScbError } from "../../src/runtime/error.ts";
import { type MemoryState, MemoryStore } from "../../src/store/memory-store.ts";
import type {
  Conditions,
  GetOptions,
  ListedObject,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  RequestOptions,
  StoredObject,
} from "../../src/store/object-store.ts";
import { collect } from "../../src/testing/object-store-helpers.ts";

/** A store that is right, for others to be wrong in one point. */
class PassingStore implements ObjectStore {
  readonly location = "wrong:";
  readonly conditions: Conditions = "enforced";
  protected readonly right: MemoryStore;
  protected readonly state: MemoryState;

  constructor(state: MemoryState) {
    this.state = state;
    this.right = new MemoryStore(state);
  }
  get(key: string, options?: RequestOptions): Promise<StoredObject | null> {
    return this.right.get(key, options);
  }
  head(key: string, options?: RequestOptions): Promise<ObjectInfo | null> {
    return this.right.head(key, options);
  }
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    return this.right.put(key, bytes, options);
  }
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject> {
    return this.right.list(prefix, options);
  }
  listFolders(prefix: string, options?: RequestOptions): AsyncIterable<string> {
    return this.right.listFolders(prefix, options);
  }
  delete(key: string, options?: RequestOptions): Promise<void> {
    return this.right.delete(key, options);
  }
  close(): Promise<void> {
    return this.right.close();
  }
}

class IgnoresMatch extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    const isMatch = options.condition?.kind === "match";
    return super.put(key, bytes, isMatch ? { ...options, condition: undefined } : options);
  }
}

class IgnoresAbsent extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    const isAbsent = options.condition?.kind === "absent";
    return super.put(key, bytes, isAbsent ? { ...options, condition: undefined } : options);
  }
}

class IgnoresConditions extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    return super.put(key, bytes, { ...options, condition: undefined });
  }
}

/** As a cluster with one node of an older version. */
class IgnoresOneInFive extends PassingStore {
  #puts = 0;
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    this.#puts += 1;
    return super.put(
      key,
      bytes,
      this.#puts % 5 === 0 ? { ...options, condition: undefined } : options,
    );
  }
}

/** Answers 501 to a condition. */
class KnowsNoConditions extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    if (options.condition === undefined) return super.put(key, bytes, options);
    return Promise.reject(new ScbError("store-rejected", "NotImplemented, status 501"));
  }
}

class RepeatsItsEtag extends PassingStore {
  override async put(
    key: string,
    bytes: Uint8Array,
    options?: PutOptions,
  ): Promise<{ etag: string }> {
    await super.put(key, bytes, options);
    return { etag: '"same"' };
  }
}

class ChangesItsEtag extends PassingStore {
  #reads = 0;
  override async head(key: string, options?: RequestOptions): Promise<ObjectInfo | null> {
    const info = await super.head(key, options);
    this.#reads += 1;
    return info === null ? null : { ...info, etag: `"${this.#reads}"` };
  }
}

/** As old MinIO did: the condition is looked at only where there is an object. */
class CreatesOnMatch extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    return super.put(
      key,
      bytes,
      this.state.has(key) ? options : { ...options, condition: undefined },
    );
  }
}

class ChecksThenActs extends PassingStore {
  override async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    const { condition } = options;
    const current = await super.head(key, options);
    const holds =
      condition === undefined ||
      (condition.kind === "absent" ? current === null : current?.etag === condition.etag);
    if (!holds) return super.put(key, bytes, options);
    await new Promise(setImmediate);
    return super.put(key, bytes, { ...options, condition: undefined });
  }
}

/** Tells the loser of a race that it won, though it wrote nothing. */
class ClaimsToHaveWon extends PassingStore {
  override async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    try {
      return await super.put(key, bytes, options);
    } catch (error) {
      const current = await super.head(key);
      if (!(error instanceof ScbError) || error.code !== "store-precondition" || current === null) {
        throw error;
      }
      return { etag: current.etag };
    }
  }
}

class WritesBeforeItRefuses extends PassingStore {
  override async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    try {
      return await super.put(key, bytes, options);
    } catch (error) {
      await super.put(key, bytes, { ...options, condition: undefined });
      throw error;
    }
  }
}

class TearsContent extends PassingStore {
  override async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    const isLarge = bytes.length > 5_000;
    if (isLarge) await super.put(key, bytes.subarray(0, 5_000), options);
    await new Promise(setImmediate);
    return super.put(key, bytes, options);
  }
}

class TearsMetadata extends PassingStore {
  override async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    if (options.condition !== undefined) return super.put(key, bytes, options);
    const old = await super.head(key, options);
    await super.put(key, bytes, { ...options, metadata: old?.metadata });
    await new Promise(setImmediate);
    return super.put(key, bytes, options);
  }
}

/** Each handle keeps what it has read. */
class ReadsFromCache extends PassingStore {
  readonly #cache = new Map<string, StoredObject>();
  override async get(key: string, options?: RequestOptions): Promise<StoredObject | null> {
    const object = this.#cache.get(key) ?? (await super.get(key, options));
    if (object !== null) this.#cache.set(key, object);
    return object;
  }
}

class ForgetsMetadata extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    return super.put(key, bytes, { ...options, metadata: {} });
  }
}

class GivesShortBytes extends PassingStore {
  override async get(key: string, options?: RequestOptions): Promise<StoredObject | null> {
    const object = await super.get(key, options);
    return object === null ? null : { ...object, bytes: object.bytes.subarray(0, 1_000_000) };
  }
}

class GivesWhateverItHolds extends PassingStore {
  override get(key: string, { signal }: GetOptions = {}): Promise<StoredObject | null> {
    return super.get(key, { signal });
  }
}

/** As Garage does with its listings: another form of the same etag. */
class HasTwoEtags extends PassingStore {
  override async head(key: string, options?: RequestOptions): Promise<ObjectInfo | null> {
    const info = await super.head(key, options);
    return info === null ? null : { ...info, etag: `W/${info.etag}` };
  }
}

class ComparesEtagsLoosely extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    const { condition } = options;
    if (condition?.kind !== "match") return super.put(key, bytes, options);
    const etag = condition.etag.replace(/^W\//, "");
    return super.put(key, bytes, { ...options, condition: { kind: "match", etag } });
  }
}

class ListsInOrderOfNames extends PassingStore {
  override async *list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject> {
    const listed = await collect(super.list(prefix, options));
    yield* listed.sort((a, b) => a.key.localeCompare(b.key));
  }
}

class ListsOnePage extends PassingStore {
  override async *list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject> {
    let count = 0;
    for await (const listed of super.list(prefix, options)) if (count++ < 10) yield listed;
  }
}

class IgnoresStartAfter extends PassingStore {
  override list(prefix: string, { signal }: ListOptions = {}): AsyncIterable<ListedObject> {
    return super.list(prefix, { signal });
  }
}

class NamesFoldersTwice extends PassingStore {
  override async *listFolders(prefix: string, options?: RequestOptions): AsyncIterable<string> {
    const folders = await collect(super.listFolders(prefix, options));
    yield* [...folders, ...folders.slice(-1)];
  }
}

class KeepsWhatIsDeleted extends PassingStore {
  override async delete(key: string, options?: RequestOptions): Promise<void> {
    await super.head(key, options);
  }
}

class IgnoresAbort extends PassingStore {
  override put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ etag: string }> {
    return super.put(key, bytes, { ...options, signal: undefined });
  }
}

class LendsItsBytes extends PassingStore {
  override async get(key: string): Promise<StoredObject | null> {
    return this.state.get(key) ?? (await super.get(key));
  }
}

class AppendOnlyByName extends PassingStore {
  override readonly conditions = "none";
}

class TakesAnyCondition extends IgnoresConditions {
  override readonly conditions = "none";
}

export interface WrongStore {
  readonly name: string;
  /** Words of the name of one check, at least, that has to fail on it. */
  readonly caughtBy: string;
  open(state: MemoryState): ObjectStore;
}

/** Stores that break one promise each: the suite must catch every one of them. */
export const wrongStores: readonly WrongStore[] = [
  {
    name: "ignores If-Match",
    caughtBy: "an etag that was current once",
    open: (state) => new IgnoresMatch(state),
  },
  {
    name: "ignores If-None-Match",
    caughtBy: "the second is a precondition",
    open: (state) => new IgnoresAbsent(state),
  },
  {
    name: "ignores both",
    caughtBy: "the second is a precondition",
    open: (state) => new IgnoresConditions(state),
  },
  {
    name: "ignores creates one time in five",
    caughtBy: "eight concurrent creates",
    open: (state) => new IgnoresOneInFive(state),
  },
  {
    name: "ignores replaces one time in five",
    caughtBy: "eight concurrent replaces",
    open: (state) => new IgnoresOneInFive(state),
  },
  {
    name: "knows no conditions (501)",
    caughtBy: "eight concurrent creates",
    open: (state) => new KnowsNoConditions(state),
  },
  {
    name: "repeats its etag",
    caughtBy: "changes with it",
    open: (state) => new RepeatsItsEtag(state),
  },
  {
    name: "changes its etag",
    caughtBy: "the etag stays",
    open: (state) => new ChangesItsEtag(state),
  },
  {
    name: "creates on If-Match",
    caughtBy: "store-missing, and creates nothing",
    open: (state) => new CreatesOnMatch(state),
  },
  {
    name: "checks creates, then acts",
    caughtBy: "eight concurrent creates",
    open: (state) => new ChecksThenActs(state),
  },
  {
    name: "checks replaces, then acts",
    caughtBy: "eight concurrent replaces",
    open: (state) => new ChecksThenActs(state),
  },
  {
    name: "loses increments",
    caughtBy: "misses no increment",
    open: (state) => new ChecksThenActs(state),
  },
  {
    name: "claims to have won",
    caughtBy: "eight concurrent creates",
    open: (state) => new ClaimsToHaveWon(state),
  },
  {
    name: "writes before it refuses",
    caughtBy: "writes nothing",
    open: (state) => new WritesBeforeItRefuses(state),
  },
  {
    name: "tears content",
    caughtBy: "sees an object whole",
    open: (state) => new TearsContent(state),
  },
  {
    name: "shows what is not yet whole",
    caughtBy: "finds a new object whole",
    open: (state) => new TearsContent(state),
  },
  {
    name: "is append-only, and takes a condition for none",
    caughtBy: "append-only: says so",
    open: (state) => new TakesAnyCondition(state),
  },
  {
    name: "enforces conditions, and calls itself append-only",
    caughtBy: "append-only: says so",
    open: (state) => new AppendOnlyByName(state),
  },
  {
    name: "tears metadata",
    caughtBy: "sees an object whole",
    open: (state) => new TearsMetadata(state),
  },
  {
    name: "reads from a cache",
    caughtBy: "every handle reads next",
    open: (state) => new ReadsFromCache(state),
  },
  {
    name: "forgets metadata",
    caughtBy: "read back by another handle",
    open: (state) => new ForgetsMetadata(state),
  },
  {
    name: "gives short bytes",
    caughtBy: "any bytes come back",
    open: (state) => new GivesShortBytes(state),
  },
  {
    name: "gives more than the reader allows",
    caughtBy: "more than maxBytes",
    open: (state) => new GivesWhateverItHolds(state),
  },
  {
    name: "has two etags",
    caughtBy: "head says what get says",
    open: (state) => new HasTwoEtags(state),
  },
  {
    name: "compares etags loosely",
    caughtBy: "a weak one are preconditions",
    open: (state) => new ComparesEtagsLoosely(state),
  },
  {
    name: "lists in the order of names",
    caughtBy: "in the order of bytes",
    open: (state) => new ListsInOrderOfNames(state),
  },
  {
    name: "lists one page",
    caughtBy: "in the order of bytes",
    open: (state) => new ListsOnePage(state),
  },
  {
    name: "ignores startAfter",
    caughtBy: "begins after the key",
    open: (state) => new IgnoresStartAfter(state),
  },
  {
    name: "names a folder twice",
    caughtBy: "next segments once",
    open: (state) => new NamesFoldersTwice(state),
  },
  {
    name: "keeps what is deleted",
    caughtBy: "delete removes the object",
    open: (state) => new KeepsWhatIsDeleted(state),
  },
  {
    name: "ignores an abort",
    caughtBy: "signal that has aborted",
    open: (state) => new IgnoresAbort(state),
  },
  {
    name: "lends its bytes",
    caughtBy: "the caller's to change",
    open: (state) => new LendsItsBytes(state),
  },
];
