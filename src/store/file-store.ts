import { unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { bytesToHex } from "@noble/hashes/utils.js";
import { throwIfAborted } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { systemCode, translateFileError, unless } from "./file-errors.ts";
import { walkFiles } from "./file-list.ts";
import {
  encodeSidecar,
  type FileObject,
  fileEtag,
  readFileObject,
  sidecarPath,
} from "./file-object.ts";
import { FileRoot, syncFolder } from "./file-root.ts";
import { checkFolderPrefix, checkKey, checkMetadata, checkPrefix } from "./object-key.ts";
import type {
  ListedObject,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  RequestOptions,
  StoredObject,
} from "./object-store.ts";
import { PendingFile } from "./pending-file.ts";
import { checkCondition } from "./put-condition.ts";

/** Each round is lost only to a writer that took the lock for stale, or to a folder's removal. */
const maxRounds = 20;

export interface FileStoreOptions {
  /** Absolute path. */
  readonly root: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Objects as plain files below a folder: an operator reads them with `cp`, and may put back or
 * remove one by hand, which is seen like any other change. Metadata stands in hidden files beside
 * them; a file without it is an object without metadata.
 *
 * Any number of processes and containers may write, each put whole and durable: see `PendingFile`
 * for how, and `FileRoot` for disks that go away. Needs a file system with atomic rename and fsync
 * of folders: a local one. On a network file system that repeats a rename whose answer was lost, a
 * put that landed can be reported as `store-precondition`, as with any store that answers twice.
 */
export class FileStore implements ObjectStore {
  readonly location: string;
  readonly #root: FileRoot;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ root, logger, clock = systemClock, random = systemRandom }: FileStoreOptions) {
    const path = resolve(root);
    this.location = pathToFileURL(path).href;
    this.#root = new FileRoot(path, clock, logger);
    this.#clock = clock;
    this.#random = random;
  }

  async get(key: string, { signal }: RequestOptions = {}): Promise<StoredObject | null> {
    const { folder, name } = this.#locate(key);
    throwIfAborted(signal);
    return this.#translated(`reading ${key}`, async () => {
      await this.#root.check();
      const object = await readFileObject(folder, name);
      if (object !== null) return { ...object, key, sizeBytes: object.bytes.length };
      // "Nothing there" must not come from a disk that has just gone.
      await this.#root.check();
      return null;
    });
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectInfo | null> {
    const object = await this.get(key, options);
    if (object === null) return null;
    const { bytes: _, ...info } = object;
    return info;
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const target = this.#locate(key);
    checkMetadata(options.metadata ?? {});
    const content = bytes.slice();
    return this.#translated(`writing ${key}`, async () => {
      for (let round = 0; round < maxRounds; round++) {
        throwIfAborted(options.signal);
        const etag = await this.#tryPut(key, target, content, options);
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
    const folderKey = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    try {
      await this.#root.check();
      yield* walkFiles(join(this.#root.path, folderKey), folderKey, prefix, options);
      await this.#root.check();
    } catch (error) {
      throw translateFileError(error, `listing ${prefix} in ${this.location}`);
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    let startAfter: string | undefined;
    for (;;) {
      const folder = await this.#firstFolderAfter(prefix, startAfter, options);
      if (folder === undefined) return;
      yield folder;
      // "~" is greater than all that a key may hold.
      startAfter = `${prefix}${folder}/~`;
    }
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    const { folder, name } = this.#locate(key);
    throwIfAborted(signal);
    await this.#translated(`deleting ${key}`, async () => {
      await this.#root.check();
      const object = await readFileObject(folder, name);
      if (object !== null) {
        await unless(unlink(join(folder, name)), "ENOENT");
        await unless(unlink(sidecarPath(folder, name, object.etag)), "ENOENT");
        await unless(syncFolder(folder), "ENOENT");
        await this.#root.removeEmptyFolders(folder);
      }
      await this.#root.check();
    });
  }

  async close(): Promise<void> {}

  /** One round of a put: the etag, or null where the lock or the folder was taken away. */
  async #tryPut(
    key: string,
    { folder, name }: { readonly folder: string; readonly name: string },
    bytes: Uint8Array,
    { condition, metadata = {}, signal }: PutOptions,
  ): Promise<string | null> {
    const etag = fileEtag(bytes);
    const sidecar = Object.keys(metadata).length === 0 ? null : encodeSidecar(etag, metadata);
    const token = bytesToHex(this.#random.bytes(16));
    let pending: PendingFile | undefined;
    let current: FileObject | null;
    try {
      await this.#root.ensureFolder(folder);
      pending = await PendingFile.stage({ folder, name, token }, bytes, sidecar);
      await pending.lock({ clock: this.#clock, random: this.#random, signal });
      current = await readFileObject(folder, name);
      // As in `get`: a disk that has just gone says nothing of what is on it.
      if (current === null) await this.#root.check();
      checkCondition(key, current?.etag ?? null, condition, this.location);
      const isPlaced = await this.#placeSidecar(pending, sidecarPath(folder, name, etag), sidecar);
      if (!isPlaced || !(await pending.commit())) {
        await pending.discard();
        return null;
      }
    } catch (error) {
      await pending?.discard();
      if (systemCode(error) === "ENOENT") return null;
      throw error;
    }
    try {
      await pending.discard();
      if (current !== null && current.etag !== etag) {
        await unless(unlink(sidecarPath(folder, name, current.etag)), "ENOENT");
      }
      await syncFolder(folder);
      await this.#root.check();
    } catch (error) {
      throw new ScbError(
        "store-unknown",
        `${key} was written to ${this.location}, but it is not known to be on the disk: check the disk`,
        { cause: error },
      );
    }
    return etag;
  }

  async #placeSidecar(
    pending: PendingFile,
    path: string,
    sidecar: string | null,
  ): Promise<boolean> {
    if (sidecar !== null) return pending.placeSidecar(path);
    await unless(unlink(path), "ENOENT");
    return true;
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

  #locate(key: string): { readonly folder: string; readonly name: string } {
    checkKey(key);
    const path = join(this.#root.path, key);
    return { folder: dirname(path), name: basename(path) };
  }

  async #translated<T>(doing: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw translateFileError(error, `${doing} in ${this.location}`);
    }
  }
}
