import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { throwIfAborted } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { type Deadline, withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { FileCalls, FileTask } from "./file-calls.ts";
import { translateFileError, unless } from "./file-errors.ts";
import { checkListed, walkFiles } from "./file-list.ts";
import { type FileObject, readFileObject, sidecarPath } from "./file-object.ts";
import { type FileTarget, removeFile, tryPut } from "./file-put.ts";
import { FileRoot, syncFolder } from "./file-root.ts";
import { headByGet } from "./head-by-get.ts";
import { checkFolderPrefix, checkKey, checkMetadata, checkPrefix } from "./object-key.ts";
import {
  defaultMaxBytes,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  listedMs,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  type RequestOptions,
  type StoredObject,
  tooLargeError,
} from "./object-store.ts";
import { operationLimitMs, transferMs } from "./time-limits.ts";

/** A round is lost only to a writer that took the lock for stale, or to a folder's removal. */
const maxRounds = 20;

interface FileWork {
  /** Completes "… in file:///x was given up": "writing a/b". */
  readonly doing: string;
  readonly signal: AbortSignal | undefined;
  readonly sizeBytes?: number;
  readonly limitMs?: number;
}

/** Where a `FileStore` keeps its files. */
export interface FileStoreOptions {
  /** Absolute path. */
  readonly root: string;
  /** As for the other stores: an operation takes at most three times as long. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Objects as plain files below a folder. An operator reads them with `cp`, and may restore or remove one
 * by hand, which counts like any other change. Metadata is kept in hidden files beside them; a file
 * without one is an object without metadata.
 *
 * Any number of processes and containers may write, and each put is whole and durable: see `PendingFile`
 * for how, and `FileRoot` for disks that go away. Needs a file system with atomic rename and fsync of
 * folders: a local one. On a network file system that repeats a rename whose answer was lost, a put that
 * landed can be reported as `store-precondition`, as with any store that answers twice.
 */
export class FileStore implements ObjectStore {
  readonly location: string;
  readonly conditions = "enforced";
  readonly #root: FileRoot;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #calls: FileCalls;
  readonly #limitMs: number;

  constructor(options: FileStoreOptions) {
    const { root, logger = createLogger("warn"), requestTimeoutMs = 10_000 } = options;
    const { clock = systemClock, random = systemRandom } = options;
    const path = resolve(root);
    this.location = pathToFileURL(path).href;
    this.#root = new FileRoot(path, clock, logger);
    this.#clock = clock;
    this.#random = random;
    this.#calls = new FileCalls(clock);
    this.#limitMs = operationLimitMs(requestTimeoutMs);
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    const target = this.#locate(key);
    const { signal, maxBytes } = options;
    return this.#attempt({ doing: `reading ${key}`, signal }, async (task, deadline) => {
      await this.#root.check(task);
      const object = await this.#read(task, deadline, target, maxBytes);
      if (object !== null) return { ...object, key, sizeBytes: object.bytes.length };
      // "Nothing there" must not come from a disk that has just gone.
      await this.#root.check(task);
      return null;
    });
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectInfo | null> {
    return headByGet(this, key, options);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const target = this.#locate(key);
    checkMetadata(options.metadata ?? {});
    const content = bytes.slice();
    const { condition, metadata, signal } = options;
    const work = { doing: `writing ${key}`, signal, sizeBytes: content.length };
    return this.#attempt(work, async (task, deadline) => {
      for (let round = 0; round < maxRounds; round++) {
        const etag = await tryPut({
          target,
          bytes: content,
          condition,
          metadata,
          root: this.#root,
          task,
          clock: this.#clock,
          random: this.#random,
          location: this.location,
          readCurrent: () => this.#read(task, deadline, target),
        });
        if (etag !== null) return { etag };
        this.#root.forgetFolders();
      }
      throw new ScbError(
        "store-busy",
        `writing ${key} in ${this.location} was interrupted ${maxRounds} times: is something removing files there?`,
      );
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter, signal } = options;
    const doing = `listing ${prefix}`;
    const folderKey = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    let limitMs = this.#limitMs;
    let names = 0;
    // Counts only the folder's time, not the caller's between two names.
    const step = async <T>(run: (task: FileTask) => Promise<T>): Promise<T> => {
      const startedMs = this.#clock.monotonicMs();
      try {
        return await this.#attempt({ doing, signal, limitMs }, run);
      } finally {
        limitMs -= this.#clock.monotonicMs() - startedMs;
      }
    };
    const seen = (more: number): void => {
      names += more;
      limitMs += more * listedMs;
      checkListed(names, `${doing} in ${this.location}`);
    };
    await step((task) => this.#root.check(task));
    yield* walkFiles(join(this.#root.path, folderKey), folderKey, {
      prefix,
      startAfter,
      step,
      seen,
    });
    await step((task) => this.#root.check(task));
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    let startAfter: string | undefined;
    for (;;) {
      const folder = await this.#firstFolderAfter(prefix, startAfter, options);
      if (folder === undefined) return;
      yield folder;
      // "~" sorts after every character of a key.
      startAfter = `${prefix}${folder}/~`;
    }
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    const target = this.#locate(key);
    const { folder, name } = target;
    await this.#attempt({ doing: `deleting ${key}`, signal }, async (task, deadline) => {
      await this.#root.check(task);
      const object = await this.#read(task, deadline, target);
      if (object !== null) {
        await removeFile(task, join(folder, name));
        await removeFile(task, sidecarPath(folder, name, object.etag));
        await unless(syncFolder(task, folder), "ENOENT");
        await this.#root.removeEmptyFolders(task, folder);
      }
      await this.#root.check(task);
    });
  }

  async close(): Promise<void> {}

  #read(
    task: FileTask,
    { extend }: Deadline,
    { key, folder, name }: FileTarget,
    maxBytes = defaultMaxBytes,
  ): Promise<FileObject | null> {
    let boughtMs = 0;
    return readFileObject(folder, name, {
      task,
      maxBytes,
      tooLarge: () => tooLargeError(key, this.location, maxBytes),
      onProgress(sizeBytes) {
        extend(transferMs(sizeBytes) - boughtMs);
        boughtMs = transferMs(sizeBytes);
      },
    });
  }

  async #firstFolderAfter(
    prefix: string,
    startAfter: string | undefined,
    { signal }: RequestOptions,
  ): Promise<string | undefined> {
    for await (const { key } of this.list(prefix, { startAfter, signal })) {
      const [folder, ...below] = key.slice(prefix.length).split("/");
      if (below.length > 0) return folder;
    }
    return undefined;
  }

  #locate(key: string): FileTarget {
    checkKey(key);
    const path = join(this.#root.path, key);
    return { key, folder: dirname(path), name: basename(path) };
  }

  /**
   * Runs one operation within its time limit. An abandoned operation may still hang in the file system,
   * and others would hang behind it: until it ends, they fail immediately.
   */
  async #attempt<T>(
    { doing, signal, sizeBytes = 0, limitMs = this.#limitMs }: FileWork,
    run: (task: FileTask, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    const what = `${doing} in ${this.location}`;
    const { longestMs } = this.#calls;
    if (longestMs > this.#limitMs) {
      throw new ScbError(
        "store-busy",
        `${what} was not tried: the folder has not answered an earlier request for ${Math.round(longestMs / 1000)} s; check its disk, or the server of a network folder`,
      );
    }
    const late = (): ScbError =>
      new ScbError(
        "store-unknown",
        `${what} was given up: the folder does not answer; check its disk, or the server of a network folder`,
      );
    const ms = limitMs + transferMs(sizeBytes);
    try {
      return await withinDeadline({ clock: this.#clock, ms, signal, late }, (deadline) =>
        run(new FileTask(this.#calls, deadline.signal), deadline),
      );
    } catch (error) {
      throw translateFileError(error, what);
    }
  }
}
