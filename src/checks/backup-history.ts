import { type NodeChannels, witnessOf } from "../chanbackup/node-channels.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { fetchBackup, type RestoredBackup } from "../repository/fetch-backup.ts";
import { type HistoryEntry, readHistory } from "../repository/history.ts";
import { checkNodeName } from "../repository/layout.ts";
import { sequenceAt } from "../repository/version-at.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { checkedMs } from "../runtime/interval.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { openStore } from "../store/open-store.ts";
import { parseLocation } from "../store/parse-location.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { retryingReads } from "../store/retrying-store.ts";
import { checkStatus, type StatusReport } from "./status.ts";
import { type VerifyReport, verifyHistory } from "./verify.ts";

/** Where a node's backups are, and what decrypts and compares them. */
export interface BackupHistoryOptions {
  /**
   * A location as in `--to`, such as `s3://BUCKET[/PREFIX]` or `file:///PATH`; or a store that the caller
   * has opened, and closes.
   */
  readonly to: string | ObjectStore;
  /** The name of the node's folder in the store. */
  readonly node: string;
  /**
   * Has to decrypt what is fetched and judged. Default: nothing is decrypted, and `status` reports only
   * what can be known without a key.
   */
  readonly encrypter?: Encrypter;
  /** Tells `status` which channels a backup has to hold. Needs `encrypter`. Default: nobody is asked. */
  readonly channels?: NodeChannels;
  /** An older backup is stale: a running mirror saves one at least every 12 h. Default 36 h. */
  readonly maxAgeMs?: number;
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** How much of the history is listed. */
export interface ListHistoryOptions extends RequestOptions {
  /** Only the newest N. Default: all; each costs a request. */
  readonly limit?: number;
}

/** Which versions are read back. */
export interface VerifyHistoryOptions extends RequestOptions {
  /**
   * Only versions of this sequence or a later one, or saved at this time (milliseconds since 1970) or
   * later. Default: all.
   */
  readonly since?: { readonly sequence: number } | { readonly savedAt: number };
  /** Only N of those, chosen at random. */
  readonly sample?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

const defaultMaxAgeMs = 36 * 3_600_000;

/**
 * The saved backups of one node, read-only: it needs only a credential that may read, and it neither probes
 * nor writes. Every answer is read from the store, never from a cache, so that a process that runs for
 * months sees what is there now. A read whose answer was lost is sent again a few times. All methods throw
 * what a store throws, and "aborted".
 */
export class BackupHistory implements AsyncDisposable {
  readonly #options: BackupHistoryOptions;
  readonly #store: ObjectStore;
  readonly #close: () => Promise<void>;
  readonly #clock: Clock;
  readonly #random: Random;

  private constructor(
    options: BackupHistoryOptions,
    root: ObjectStore,
    close: () => Promise<void>,
  ) {
    const {
      clock = systemClock,
      random = systemRandom,
      node,
      maxAgeMs = defaultMaxAgeMs,
    } = options;
    checkedMs("maxAgeMs", maxAgeMs, 1);
    if (options.channels !== undefined && options.encrypter === undefined) {
      throw new ScbError(
        "usage",
        "channels can be compared only with a backup that a key opens: give an encrypter as well",
      );
    }
    this.#options = options;
    this.#store = prefixedStore(retryingReads(root, { clock, random }), checkNodeName(node));
    this.#close = close;
    this.#clock = clock;
    this.#random = random;
  }

  /** Sends no request yet. Throws "usage". */
  static async open(options: BackupHistoryOptions): Promise<BackupHistory> {
    const { to, logger = createLogger("warn"), clock, random } = options;
    if (typeof to !== "string") return new BackupHistory(options, to, async () => undefined);
    const root = await openStore(parseLocation(to), {
      logger,
      ...(clock && { clock }),
      ...(random && { random }),
    });
    try {
      return new BackupHistory(options, root, () => root.close());
    } catch (error) {
      await root.close();
      throw error;
    }
  }

  /** The node's folder, for people. Holds no secret. */
  get location(): string {
    return this.#store.location;
  }

  /** The versions, newest first; the pointer's is marked. */
  async list(options: ListHistoryOptions = {}): Promise<readonly HistoryEntry[]> {
    return (await readHistory(this.#store, options)).entries;
  }

  /** The current backup, as `fetch`. Throws "not-found" if there is none yet. */
  latest(options?: RequestOptions): Promise<RestoredBackup> {
    return this.fetch("latest", options);
  }

  /**
   * The backup that was current at a moment, as `fetch`. `time`: milliseconds since 1970, or a Date.
   * Throws "not-found" if the history begins later, and "usage" for an invalid time.
   */
  async at(time: number | Date, options: RequestOptions = {}): Promise<RestoredBackup> {
    const ms = Number(time);
    if (!Number.isFinite(ms))
      throw new ScbError("usage", "the time to look back to is not a valid time");
    return this.fetch(await sequenceAt(this.#store, ms, options), options);
  }

  /**
   * One version, by its sequence, its key, or "latest": compared with what was recorded when it was saved,
   * and decrypted if there is a key. Throws "not-found", "version-damaged", "decrypt", "decode", or "usage"
   * for an invalid name. Never returns a version that fails a check.
   */
  fetch(which: number | string, { signal }: RequestOptions = {}): Promise<RestoredBackup> {
    const { encrypter } = this.#options;
    return fetchBackup({ store: this.#store, which: String(which), encrypter, signal });
  }

  /**
   * Whether this node is safe: reads the current backup back, decrypts it if there is a key, and compares
   * it with the channels if they were given. Anything that wasn't seen never makes it "safe".
   */
  status({ signal }: RequestOptions = {}): Promise<StatusReport> {
    const { node, encrypter, channels, maxAgeMs = defaultMaxAgeMs } = this.#options;
    const witness =
      channels === undefined || encrypter === undefined
        ? undefined
        : witnessOf(channels, encrypter);
    return checkStatus({
      store: this.#store,
      node,
      maxAgeMs,
      encrypter,
      witness,
      clock: this.#clock,
      signal,
    });
  }

  /** Reads versions back, all of them by default, and reports what is wrong with each. */
  verify(options: VerifyHistoryOptions = {}): Promise<VerifyReport> {
    const { node, encrypter } = this.#options;
    return verifyHistory({
      ...options,
      store: this.#store,
      node,
      encrypter,
      now: this.#clock.now(),
      random: this.#random,
    });
  }

  /** Closes the store if it was opened here. May be called twice. */
  close(): Promise<void> {
    return this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
