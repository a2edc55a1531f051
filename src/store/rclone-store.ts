import { type Clock, systemClock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { headByGet } from "./head-by-get.ts";
import {
  checkFolderPrefix,
  checkKey,
  checkMetadata,
  checkPrefix,
  compareKeys,
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
  tooLargeError,
} from "./object-store.ts";
import { refuseCondition } from "./put-condition.ts";
import { RcloneClient } from "./rclone-client.ts";
import { translateRcloneError } from "./rclone-errors.ts";
import { nameOf, type RcloneEntry, RcloneFiles } from "./rclone-files.ts";
import { contentEtag, decodeSidecar, encodeSidecar, sidecarName } from "./sidecar.ts";
import { operationLimitMs, transferMs } from "./time-limits.ts";

export interface RcloneStoreOptions {
  /** The name in `rclone listremotes`, without the colon. */
  readonly remote: string;
  /** As rclone takes it after the colon. Not empty. */
  readonly path: string;
  /** How long the remote may stay silent; an operation may take a few times as long. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** Where rclone finds its configuration. Default: this process's environment. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** rclone answers with all names at once, and asks the remote for them a thousand at a time. */
const listPatience = 4;
/** A put takes up to six calls in sequence. */
const putPatience = 2;

/**
 * A folder of one of rclone's remotes, through one rclone that runs while the store is open and serves
 * its remote control to this process. A process for each call would start with a handshake and a login.
 *
 * No remote enforces conditions, so the store is append-only. An object is uploaded under a hidden name,
 * moved to its own, and read back and compared there before the put resolves, so that an object under a
 * key is whole. Metadata is kept in a sidecar, as in `FileStore`, which is written and read back before
 * the object is. The times of objects are the remote's, or this machine's if the remote lets rclone set
 * them.
 */
export class RcloneStore implements ObjectStore {
  readonly location: string;
  readonly conditions = "none";
  readonly #remote: string;
  readonly #client: RcloneClient;
  readonly #files: RcloneFiles;
  readonly #clock: Clock;
  readonly #limitMs: number;

  constructor(options: RcloneStoreOptions) {
    const { remote, path, requestTimeoutMs = 10_000, connectTimeoutMs = 5_000 } = options;
    const { clock = systemClock, random = systemRandom, environment = process.env } = options;
    this.location = `rclone:${remote}:${path}`;
    this.#remote = remote;
    this.#clock = clock;
    this.#limitMs = operationLimitMs(requestTimeoutMs);
    const patience = { requestTimeoutMs, connectTimeoutMs };
    this.#client = new RcloneClient({ ...patience, environment, clock, random });
    const { location } = this;
    this.#files = new RcloneFiles(this.#client, { fs: `${remote}:${path}`, location, random });
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    const { maxBytes = defaultMaxBytes } = options;
    return this.#attempt({ doing: `read ${key}`, ...options }, async (signal, extend) => {
      const entry = await this.#files.stat(key, signal);
      if (entry === null) return null;
      if (entry.Size > maxBytes) throw tooLargeError(key, this.location, maxBytes);
      extend(transferMs(Math.max(0, entry.Size)));
      const bytes = await this.#files.read(key, maxBytes, signal);
      if (bytes === null) return null;
      if (bytes === "too-large") throw tooLargeError(key, this.location, maxBytes);
      if (entry.Size >= 0 && entry.Size !== bytes.length) {
        throw new ScbError(
          "store-unknown",
          `${key} in ${this.location} has ${entry.Size} bytes, and ${bytes.length} came: it may just have been replaced`,
        );
      }
      const etag = contentEtag(bytes);
      const sidecar = await this.#files.readSidecar(sidecarKey(key, etag), signal);
      const metadata = (sidecar && decodeSidecar(sidecar, etag)) ?? {};
      const modifiedAt = timeOf(entry);
      return { key, bytes, sizeBytes: bytes.length, modifiedAt, etag, metadata };
    });
  }

  head(key: string, options: RequestOptions = {}): Promise<ObjectInfo | null> {
    return headByGet(this, key, options);
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    const { metadata = {}, condition, signal } = options;
    checkMetadata(metadata);
    refuseCondition(key, condition, this.location);
    const content = bytes.slice();
    const etag = contentEtag(content);
    const sidecar = sidecarKey(key, etag);
    const progress = { mayHaveLanded: false };
    const limitMs = putPatience * (this.#limitMs + transferMs(content.length));
    const work = { doing: `write ${key}`, signal, limitMs, progress };
    return this.#attempt(work, async (within) => {
      if (Object.keys(metadata).length === 0) await this.#files.remove(sidecar, within);
      else {
        const facts = new TextEncoder().encode(encodeSidecar(etag, metadata));
        await this.#files.upload(sidecar, facts, within);
        await this.#files.compare(sidecar, facts, within);
      }
      await this.#files.place(key, content, progress, within);
      await this.#files.compare(key, content, within);
      return { etag };
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter = "", signal } = options;
    const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
    const entries = await this.#attempt(
      { doing: `list ${prefix || "all"}`, signal, limitMs: listPatience * this.#limitMs },
      (within) => this.#files.list(folder, { recurse: true, filesOnly: true }, within),
    );
    // Some remotes hold two files of one name, and then rclone reads one of them.
    const found = new Map<string, RcloneEntry>();
    for (const entry of entries) {
      const isWanted = entry.Path.startsWith(prefix) && entry.Path > startAfter;
      if (isWanted && isKey(entry.Path)) found.set(entry.Path, entry);
    }
    for (const key of [...found.keys()].sort(compareKeys)) {
      const entry = found.get(key);
      if (entry !== undefined) yield { key, sizeBytes: entry.Size, modifiedAt: timeOf(entry) };
    }
  }

  async *listFolders(prefix: string, { signal }: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    const work = {
      doing: `list ${prefix || "all"}`,
      signal,
      limitMs: listPatience * this.#limitMs,
    };
    const folders = await this.#attempt(work, async (within) => {
      const entries = await this.#files.list(prefix.replace(/\/$/, ""), {}, within);
      const names = entries.filter(({ IsDir }) => IsDir).map(nameOf);
      const filled: string[] = [];
      for (const name of names.filter(isKeySegment)) {
        if (await this.#files.holdsObject(`${prefix}${name}`, within)) filled.push(name);
      }
      return filled;
    });
    yield* new Set(folders);
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    const progress = { mayHaveLanded: true };
    await this.#attempt({ doing: `delete ${key}`, signal, progress }, async (within) => {
      const bytes = await this.#files.read(key, defaultMaxBytes, within);
      if (bytes === null) return;
      await this.#files.remove(key, within);
      if (bytes !== "too-large")
        await this.#files.remove(sidecarKey(key, contentEtag(bytes)), within);
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Runs one operation within its time limit. Its errors say what was being done. */
  async #attempt<T>(
    { doing, signal, limitMs = this.#limitMs, progress = { mayHaveLanded: false } }: RcloneWork,
    work: (signal: AbortSignal, extend: (ms: number) => void) => Promise<T>,
  ): Promise<T> {
    const what = `${doing} in ${this.location}`;
    const late = (): ScbError => {
      // A call that hangs in this process would make the next one hang too.
      this.#client.endProcess();
      return new ScbError(
        "store-unknown",
        `cannot ${what}: the remote, or rclone, didn't answer in time: it isn't known whether it was done`,
      );
    };
    try {
      return await withinDeadline(
        { clock: this.#clock, ms: limitMs, signal, late },
        ({ signal: within, extend }) => work(within, extend),
      );
    } catch (error) {
      throw translateRcloneError(error, { doing: what, remote: this.#remote, ...progress });
    }
  }
}

interface RcloneWork extends RequestOptions {
  /** Completes "cannot …": "write a/b". */
  readonly doing: string;
  readonly limitMs?: number | undefined;
  readonly progress?: { readonly mayHaveLanded: boolean } | undefined;
}

function sidecarKey(key: string, etag: string): string {
  const slash = key.lastIndexOf("/") + 1;
  return `${key.slice(0, slash)}${sidecarName(key.slice(slash), etag)}`;
}

/** Milliseconds since 1970; 0 where a remote knows no time. */
function timeOf({ ModTime }: RcloneEntry): number {
  const time = Date.parse(ModTime);
  return Number.isNaN(time) ? 0 : time;
}
