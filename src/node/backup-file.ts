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
  /** How often to check the file if nothing reports a change. Default 3 s. */
  readonly pollIntervalMs?: number;
  /** How long the file must stay unchanged before it counts as written. Default 200 ms. */
  readonly settleMs?: number;
}

export interface BackupFileOptions extends BackupFileTiming {
  /** The path of lnd's `channel.backup`. Neither the file nor its folder need exist yet. */
  readonly path: string;
  /** Without it, the file's contents are unknown and its bytes are mirrored as they are. */
  readonly inspect?: InspectBackup | undefined;
  readonly observer: SourceObserver;
  readonly clock: Clock;
}

/**
 * Snapshots of a `channel.backup` that lnd, or something that copies it here, keeps up to date. A
 * snapshot is due when the file's content changes, not when only its times do. While the file is missing,
 * truncated or not a backup, the observer hears of the trouble and no snapshot is due.
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

  /**
   * A packed Multi doesn't say which node it belongs to, so there is nothing to read. The file may appear
   * later.
   */
  identify(): Promise<NodeIdentity> {
    return Promise.resolve({ pubkey: null, network: null });
  }

  /** The file's current content. Throws what `StableFile.read` and `inspect` throw. */
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
   * Whether only the file is mounted here, so that a new file that lnd renames over it stays invisible.
   * False if the system doesn't tell.
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
        // Both come before the file is read, so that any later event ends the next wait at once.
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
