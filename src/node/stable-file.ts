import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, open, realpath, stat } from "node:fs/promises";
import { packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { mountOf } from "./mount.ts";

/** Far more than any node's backup. It only keeps a wrong path from filling the memory. */
export const largestBackupSizeBytes = 200 * 1024 * 1024;
const longestSettleRounds = 50;

export interface StableFileOptions {
  readonly path: string;
  /** How long a file must stay unchanged before it counts as written. */
  readonly settleMs: number;
  readonly clock: Clock;
}

export interface StableContent {
  readonly bytes: Uint8Array;
  /** By the file system's clock, in milliseconds since 1970. */
  readonly writtenAt: number;
}

/**
 * Reads a file that something else writes, but never in the middle of a write. lnd renames a finished
 * file into place, but `cp`, a sync client or a network file system lets the file grow in place. So the
 * file must have had the same inode, size and times for `settleMs`, and still have them after it was
 * read. Times are only compared for equality, because the file's clock may be another machine's.
 *
 * It reads the file that has this name now. A bind mount of only the file keeps showing the original
 * inode after lnd has renamed a new file over it.
 */
export class StableFile {
  readonly #options: StableFileOptions;
  /** The last state in which the file was seen to be settled. */
  #settled: string | null = null;

  constructor(options: StableFileOptions) {
    this.#options = options;
  }

  /**
   * Reads the bytes. Throws "io" if the file is missing, can't be read, never settles or was replaced
   * behind a mount, "usage" if it is a folder, a pipe or a device, and "decode" if it can't be a packed
   * Multi.
   */
  async read(signal?: AbortSignal): Promise<StableContent> {
    const { path, settleMs, clock } = this.#options;
    for (let round = 0; round < longestSettleRounds; round++) {
      const before = await this.#state();
      if (before !== this.#settled) {
        await clock.sleep(settleMs, signal);
        if ((await this.#state()) !== before) continue;
        this.#settled = before;
      }
      const content = await this.#content(before);
      if (content === null) continue;
      const flaw = packedMultiFlaw(content.bytes);
      if (flaw !== null) throw new ScbError("decode", `${path} is not a channel backup: ${flaw}`);
      return content;
    }
    throw new ScbError(
      "io",
      `${path} keeps changing: it never stayed unchanged long enough to be read`,
    );
  }

  /** Whether only the file is mounted here, and not its folder. */
  async isMountPoint(): Promise<boolean> {
    return this.#opened(async (file, path) => {
      const mount = await mountOf(file.fd);
      return mount !== null && mount.mountPoint === (await realpath(path));
    });
  }

  async #state(): Promise<string> {
    const { path } = this.#options;
    return this.#stateOf(await translated(path, () => stat(path, { bigint: true })));
  }

  /** The file's inode, size and times, which any write or replacement changes. */
  #stateOf(stats: BigIntStats): string {
    const { path } = this.#options;
    if (stats.isDirectory()) {
      throw new ScbError("usage", `${path} is a folder: give the path of the channel.backup in it`);
    }
    if (!stats.isFile()) throw new ScbError("usage", `${path} is not a regular file`);
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    if (size > largestBackupSizeBytes) {
      throw new ScbError("decode", `${path} has ${size} bytes, so it isn't a channel backup`);
    }
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  }

  /** Null if the file isn't in the state `expected`, or has left it by the end of the read. */
  async #content(expected: string): Promise<StableContent | null> {
    const content = await this.#opened(async (file, path) => {
      const stats = await file.stat({ bigint: true });
      // Checked before memory is taken, because another file may have this name by now.
      if (this.#stateOf(stats) !== expected) return null;
      const isOfDeleted = stats.nlink === 0n || (await mountOf(file.fd))?.isOfDeleted === true;
      if (isOfDeleted && (await this.#state()) === expected) throw replacedBehindMount(path);
      const bytes = await readUpTo(file, Number(stats.size));
      return { bytes, writtenAt: Number(stats.mtimeMs) };
    });
    return (await this.#state()) === expected ? content : null;
  }

  async #opened<T>(task: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
    const { path } = this.#options;
    return translated(path, async () => {
      // Otherwise a pipe that has taken this name since the check would wait for a writer forever.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return await task(file, path);
      } finally {
        await file.close();
      }
    });
  }
}

/** The first `sizeBytes` of a file; fewer if it has become shorter. */
async function readUpTo(file: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let length = 0;
  while (length < sizeBytes) {
    const { bytesRead } = await file.read(bytes, length, sizeBytes - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

function replacedBehindMount(path: string): ScbError {
  return new ScbError(
    "io",
    `${path}: lnd has replaced this file, but the mount still shows the old one: mount its folder instead of the file, then restart the container`,
  );
}

async function translated<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof ScbError) throw error;
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
