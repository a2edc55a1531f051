import { type FileHandle, open, stat } from "node:fs/promises";
import { packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";

/** Far more than any node's backup; it only keeps a wrong path from filling the memory. */
export const largestBackupSizeBytes = 200 * 1024 * 1024;
const longestSettleRounds = 50;

export interface StableFileOptions {
  readonly path: string;
  /** How long a file must stay as it is before it counts as written. */
  readonly settleMs: number;
  readonly clock: Clock;
}

/**
 * Reads a file that somebody else writes, and never while it is being written. lnd renames a
 * finished file into place, but a copy by `cp`, a sync client or a network file system grows where
 * it is. So what is read has had the same inode, size and times for `settleMs`, and still has them
 * afterwards. No clock but ours is compared with itself: the file's may be another machine's.
 */
export class StableFile {
  readonly #options: StableFileOptions;
  /** The last state of the file that was seen to be settled. */
  #settled: string | null = null;

  constructor(options: StableFileOptions) {
    this.#options = options;
  }

  /**
   * The bytes. Throws "io" when the file is missing, cannot be read or never comes to rest, "usage"
   * when it is a folder, "decode" when it cannot be a packed Multi.
   */
  async read(signal?: AbortSignal): Promise<Uint8Array> {
    const { path, settleMs, clock } = this.#options;
    for (let round = 0; round < longestSettleRounds; round++) {
      const before = await this.#state();
      if (before !== this.#settled) {
        await clock.sleep(settleMs, signal);
        if ((await this.#state()) !== before) continue;
        this.#settled = before;
      }
      const bytes = await this.#content(before);
      if (bytes === null) continue;
      const flaw = packedMultiFlaw(bytes);
      if (flaw !== null) throw new ScbError("decode", `${path} is no channel backup: ${flaw}`);
      return bytes;
    }
    throw new ScbError("io", `${path} is written all the time: it has not come to rest yet`);
  }

  /** Names the file's inode, size and times: whoever writes or replaces it changes this. */
  async #state(): Promise<string> {
    const { path } = this.#options;
    const stats = await translated(path, () => stat(path, { bigint: true }));
    if (stats.isDirectory()) {
      throw new ScbError("usage", `${path} is a folder: give the path of the channel.backup in it`);
    }
    if (!stats.isFile()) throw new ScbError("usage", `${path} is no regular file`);
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    if (size > largestBackupSizeBytes) {
      throw new ScbError("decode", `${path} has ${size} bytes: that is no channel backup`);
    }
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  }

  /** Null when the file is not in the state `expected` any more once it was read. */
  async #content(expected: string): Promise<Uint8Array | null> {
    const { path } = this.#options;
    const bytes = await translated(path, async () => {
      let file: FileHandle | undefined;
      try {
        file = await open(path);
        return new Uint8Array(await file.readFile());
      } finally {
        await file?.close();
      }
    });
    return (await this.#state()) === expected ? bytes : null;
  }
}

async function translated<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: "there is no such file (lnd writes it when it has started)",
      EACCES: "this user may not read it: run scb-mirror as a user who may",
      EPERM: "this user may not read it: run scb-mirror as a user who may",
      ENOTDIR: "a part of this path is a file, not a folder",
    };
    throw new ScbError("io", `${path}: ${reasons[code] ?? `reading failed (${code})`}`, {
      cause: error,
    });
  }
}
