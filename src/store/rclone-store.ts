import { bytesToHex } from "@noble/hashes/utils.js";
import { z } from "zod";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { checkListed } from "./file-list.ts";
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
import { RcloneTrouble, translateRcloneError } from "./rclone-errors.ts";
import {
  contentEtag,
  decodeSidecar,
  encodeSidecar,
  longestSidecarBytes,
  sidecarName,
} from "./sidecar.ts";
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

/** A listed name, with what rclone knows about it. */
const entrySchema = z.object({
  Path: z.string(),
  Size: z.number(),
  ModTime: z.string(),
  IsDir: z.boolean(),
});
type Entry = z.infer<typeof entrySchema>;
const listSchema = z.object({ list: z.array(entrySchema) });
const statSchema = z.object({ item: entrySchema.nullable() });

/** A version and its sidecar take about 400 bytes of a list. */
const longestListBytes = 128 * 1024 * 1024;
/** rclone answers with all names at once, but requests them from the remote a thousand at a time. */
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
  /** What rclone calls an fs. */
  readonly #fs: string;
  readonly #client: RcloneClient;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limitMs: number;

  constructor(options: RcloneStoreOptions) {
    const { remote, path, requestTimeoutMs = 10_000, connectTimeoutMs = 5_000 } = options;
    const { clock = systemClock, random = systemRandom, environment = process.env } = options;
    this.location = `rclone:${remote}:${path}`;
    this.#remote = remote;
    this.#fs = `${remote}:${path}`;
    this.#clock = clock;
    this.#random = random;
    this.#limitMs = operationLimitMs(requestTimeoutMs);
    const patience = { requestTimeoutMs, connectTimeoutMs };
    this.#client = new RcloneClient({ ...patience, environment, clock, random });
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    const { maxBytes = defaultMaxBytes } = options;
    return this.#attempt({ doing: `read ${key}`, ...options }, async (signal, extend) => {
      const entry = await this.#stat(key, signal);
      if (entry === null) return null;
      if (entry.Size > maxBytes) throw tooLargeError(key, this.location, maxBytes);
      extend(transferMs(Math.max(0, entry.Size)));
      const bytes = await this.#client.read(this.#fs, key, maxBytes, signal);
      if (bytes === null) return null;
      if (bytes === "too-large") throw tooLargeError(key, this.location, maxBytes);
      if (entry.Size >= 0 && entry.Size !== bytes.length) {
        throw new ScbError(
          "store-unknown",
          `${key} in ${this.location} has ${entry.Size} bytes, and ${bytes.length} came: it may just have been replaced`,
        );
      }
      const etag = contentEtag(bytes);
      const sidecar = await this.#readSidecar(sidecarKey(key, etag), signal);
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
      if (Object.keys(metadata).length === 0) await this.#remove(sidecar, within);
      else {
        const facts = new TextEncoder().encode(encodeSidecar(etag, metadata));
        await this.#upload(sidecar, facts, within);
        await this.#compare(sidecar, facts, within);
      }
      await this.#place(key, content, progress, within);
      await this.#compare(key, content, within);
      return { etag };
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const { startAfter = "", signal } = options;
    const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
    const entries = await this.#attempt(
      { doing: `list ${prefix || "all"}`, signal, limitMs: listPatience * this.#limitMs },
      (within) => this.#listFolder(folder, { recurse: true, filesOnly: true }, within),
    );
    // Some remotes hold two files with one name, and rclone then reads one of them.
    const found = new Map<string, Entry>();
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
      const entries = await this.#listFolder(prefix.replace(/\/$/, ""), {}, within);
      const names = entries.filter(({ IsDir }) => IsDir).map(nameOf);
      const filled: string[] = [];
      for (const name of names.filter(isKeySegment)) {
        if (await this.#holdsObject(`${prefix}${name}`, within)) filled.push(name);
      }
      return filled;
    });
    yield* new Set(folders);
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    const progress = { mayHaveLanded: true };
    await this.#attempt({ doing: `delete ${key}`, signal, progress }, async (within) => {
      const bytes = await this.#client.read(this.#fs, key, defaultMaxBytes, within);
      if (bytes === null) return;
      await this.#remove(key, within);
      if (bytes !== "too-large") await this.#remove(sidecarKey(key, contentEtag(bytes)), within);
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

  /** The file at `key`; null if there is none. */
  async #stat(key: string, signal: AbortSignal): Promise<Entry | null> {
    const opt = { filesOnly: true, noMimeType: true };
    const answer = await this.#client.call(
      "operations/stat",
      { fs: this.#fs, remote: key, opt },
      signal,
    );
    if (answer === null) return null;
    const item = this.#parsed(statSchema, answer).item;
    return item === null || item.IsDir ? null : item;
  }

  async #listFolder(
    folder: string,
    how: { readonly recurse?: true; readonly filesOnly?: true },
    signal: AbortSignal,
  ): Promise<readonly Entry[]> {
    const opt = { ...how, noMimeType: true };
    const asked = { fs: this.#fs, remote: folder, opt };
    let answer: unknown;
    try {
      answer = await this.#client.call("operations/list", asked, signal, longestListBytes);
    } catch (error) {
      // Some remotes fail on a file in the folder's place, with texts of their own.
      const isTrouble = error instanceof RcloneTrouble && folder !== "";
      if (!isTrouble || (await this.#stat(folder, signal)) === null) throw error;
      return [];
    }
    if (answer === null) return [];
    const { list } = this.#parsed(listSchema, answer);
    checkListed(list.length, `listing ${folder}/ in ${this.location}`);
    return list;
  }

  async #holdsObject(folder: string, signal: AbortSignal): Promise<boolean> {
    const entries = await this.#listFolder(folder, {}, signal);
    const isNamed = (entry: Entry): boolean => isKeySegment(nameOf(entry));
    if (entries.some((entry) => !entry.IsDir && isNamed(entry))) return true;
    for (const entry of entries.filter(isNamed)) {
      if (await this.#holdsObject(`${folder}/${nameOf(entry)}`, signal)) return true;
    }
    return false;
  }

  /** Uploads under a hidden name and moves that to `key`, so that no reader sees part of it there. */
  async #place(
    key: string,
    content: Uint8Array,
    progress: { mayHaveLanded: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const slash = key.lastIndexOf("/") + 1;
    const token = bytesToHex(this.#random.bytes(8));
    const pending = `${key.slice(0, slash)}.${key.slice(slash)}.${token}.new`;
    // The rest of a failed upload is hidden, and rclone removes it.
    await this.#upload(pending, content, signal);
    progress.mayHaveLanded = true;
    const [srcFs, dstFs] = [this.#fs, this.#fs];
    const move = { srcFs, srcRemote: pending, dstFs, dstRemote: key };
    try {
      if ((await this.#client.call("operations/movefile", move, signal)) !== null) return;
    } catch (error) {
      await this.#remove(pending, signal).catch(() => undefined);
      throw error;
    }
    throw new ScbError(
      "store-unknown",
      `${key} was uploaded to ${this.location} as ${pending}, which then wasn't there to be moved`,
    );
  }

  /**
   * Two writers that create one folder at the same time may hinder each other; by the second try it
   * exists.
   */
  async #upload(key: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.upload(this.#fs, key, content, signal);
    } catch (error) {
      if (!(error instanceof RcloneTrouble && wasHindered.test(error.message))) throw error;
      await this.#client.upload(this.#fs, key, content, signal);
    }
  }

  /** What was written must come back unchanged. */
  async #compare(key: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    const found = await this.#client.read(this.#fs, key, content.length, signal);
    if (found !== null && found !== "too-large" && Buffer.from(found).equals(content)) return;
    throw new ScbError(
      "store-unknown",
      `${key} was written to ${this.location}, but what comes back ${found === null ? "is nothing" : "are other bytes"}`,
    );
  }

  async #readSidecar(key: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const bytes = await this.#client.read(this.#fs, key, longestSidecarBytes, signal);
    return bytes === "too-large" ? null : bytes;
  }

  async #remove(key: string, signal: AbortSignal): Promise<void> {
    await this.#client.call("operations/deletefile", { fs: this.#fs, remote: key }, signal);
  }

  #parsed<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new ScbError(
      "store-unknown",
      `rclone's answer about ${this.location} can't be read: ${foreignText(parsed.error.message)}`,
    );
  }
}

/** What servers answer to the second writer that creates a folder. */
const wasHindered = /mk(?:parent)?dir.*(?:SSH_FX_FAILURE|exist|\b405\b|\b409\b|\b423\b)/i;

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

function nameOf({ Path }: Entry): string {
  return Path.slice(Path.lastIndexOf("/") + 1);
}

/** Milliseconds since 1970; 0 if the remote has no times. */
function timeOf({ ModTime }: Entry): number {
  const time = Date.parse(ModTime);
  return Number.isNaN(time) ? 0 : time;
}
