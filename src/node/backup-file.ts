import { basename, dirname, resolve } from "node:path";
import type { InspectBackup } from "../chanbackup/backup-contents.ts";
import type {
  NodeIdentity,
  Snapshot,
  SnapshotReason,
  SnapshotSource,
  SourceObserver,
} from "../chanbackup/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { ScbError } from "../runtime/error.ts";
import { type DueReason, noticed } from "./due-reason.ts";
import { FolderWatch } from "./folder-watch.ts";
import { StableFile } from "./stable-file.ts";

export interface BackupFileTiming {
  /** How often the file is looked at when nobody reports a change. Default 3 s. */
  readonly pollIntervalMs?: number;
  /** How long the file must rest before it counts as written. Default 200 ms. */
  readonly settleMs?: number;
}

export interface BackupFileOptions extends BackupFileTiming {
  /** Of lnd's `channel.backup`. Neither it nor its folder need exist yet. */
  readonly path: string;
  /** Without it nothing is known of what is in the file, and its bytes are mirrored as they are. */
  readonly inspect?: InspectBackup | undefined;
  readonly observer: SourceObserver;
  readonly clock: Clock;
}

/**
 * Snapshots of a `channel.backup` that lnd, or whoever copies it here, keeps up to date. A change is
 * due when the content is another one, not when only the file's times are. While the file is
 * missing, cut off or no backup at all, that is trouble for the observer, and nothing is due.
 */
export class BackupFileSource implements SnapshotSource {
  readonly description: string;
  readonly witness = null;
  readonly pollIntervalMs: number;
  readonly #options: BackupFileOptions;
  readonly #path: string;
  readonly #file: StableFile;
  readonly #closing = new AbortController();

  constructor(options: BackupFileOptions) {
    this.#options = options;
    this.#path = resolve(options.path);
    this.description = `file ${this.#path}`;
    this.pollIntervalMs = options.pollIntervalMs ?? 3_000;
    this.#file = new StableFile({
      path: this.#path,
      settleMs: options.settleMs ?? 200,
      clock: options.clock,
    });
  }

  /** A packed Multi does not say whose it is, so there is nothing to ask: the file may come later. */
  identify(): Promise<NodeIdentity> {
    return Promise.resolve({ pubkey: null, network: null });
  }

  /** What the file holds now. Throws what `StableFile.read` and `inspect` throw. */
  async snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot> {
    const now = this.#options.clock.now();
    const { bytes: packed, writtenAt } = await this.#file.read(signal);
    const inspected = await this.#options.inspect?.(packed, signal);
    return {
      packed,
      channelPoints: inspected?.channelPoints ?? null,
      bareChannelPoints: inspected?.bareChannelPoints ?? null,
      limbo: null,
      takenAt: Math.min(writtenAt, now),
      reason,
      verifiedBy: inspected?.verifiedBy ?? null,
    };
  }

  /**
   * Whether the file alone is mounted here, so that one which lnd renames over it is never seen. False
   * if the system doesn't tell.
   */
  isMountPoint(): Promise<boolean> {
    return this.#file.isMountPoint();
  }

  changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    const scope = AbortSignal.any([signal, this.#closing.signal]);
    return noticed(scope, (due, until) => this.#follow(due, until));
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #follow(due: DueReason, signal: AbortSignal): Promise<void> {
    const { observer } = this.#options;
    let wake = new AbortController();
    const onStir = (): void => wake.abort();
    const folder = new FolderWatch(dirname(this.#path), basename(this.#path), onStir);
    signal.addEventListener("abort", onStir, { once: true });
    let seen: string | null = null;
    let isTroubled = false;
    try {
      for (;;) {
        // Both before the file is read: what happens after that ends the next wait at once.
        wake = new AbortController();
        await folder.renew();
        try {
          const found = sha256Hex((await this.#file.read(signal)).bytes);
          if (isTroubled) observer.recovered();
          if (found !== seen) due.put(seen === null ? "start" : "file-changed");
          else if (isTroubled) due.put("reconnected");
          isTroubled = false;
          seen = found;
        } catch (error) {
          if (signal.aborted) return;
          isTroubled = true;
          observer.trouble(ScbError.from(error), this.pollIntervalMs);
        }
        await this.#untilPollOr(wake.signal);
        if (signal.aborted) return;
      }
    } finally {
      signal.removeEventListener("abort", onStir);
      folder.close();
    }
  }

  async #untilPollOr(wake: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(this.pollIntervalMs, wake);
    } catch (error) {
      if (!wake.aborted) throw error;
    }
  }
}
