import { mkdir, open, readdir, rmdir, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { FileTask } from "./file-calls.ts";
import { systemCode, unless } from "./file-errors.ts";
import { isPendingName, removeLeftover } from "./pending-file.ts";

/** A put takes seconds at most: what is older was left by a writer that was killed. */
const leftoverAgeMs = 3_600_000;

/**
 * The folder that a `FileStore` keeps everything in, guarded against a disk that is not mounted.
 *
 * The folder above it must exist, always; the root itself is made by the first put. So for a root
 * that lies two levels below the mount point or deeper nothing is written while the disk is away.
 * Once it has been seen it is never made again, and it must stay on the device on which it was
 * first seen: a disk that is unmounted later is noticed even if the mount point has such a folder.
 * (The device, not the inode: exFAT and FAT give out new inode numbers as they go.)
 */
export class FileRoot {
  readonly path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #device: number | undefined;
  /** Folders whose way up to the root is known to be on the disk. */
  readonly #durable = new Set<string>();

  constructor(path: string, clock: Clock, logger: Logger) {
    this.path = path;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether the root is there. Throws `store-no-bucket` where it should be and is not. */
  async check(task: FileTask): Promise<boolean> {
    const device = await deviceOf(task, this.path);
    if (device === undefined) {
      if (this.#device !== undefined) {
        throw new ScbError("store-no-bucket", `${this.path} is gone: is the disk still mounted?`);
      }
      const parent = dirname(this.path);
      if ((await deviceOf(task, parent)) !== undefined) return false;
      throw new ScbError(
        "store-no-bucket",
        `${parent}, the folder for ${this.path}, is not there: mount its disk, or make it`,
      );
    }
    this.#device ??= device;
    if (this.#device === device) return true;
    throw new ScbError(
      "store-no-bucket",
      `${this.path} is on another disk than before: mount the disk again, then restart`,
    );
  }

  /** Makes `folder` (the root, or below it) where it is missing, so that a crash can't undo it. */
  async ensureFolder(task: FileTask, folder: string): Promise<void> {
    if (!(await this.check(task))) {
      await unless(
        task.run(() => mkdir(this.path)),
        "EEXIST",
      );
      await syncFolder(task, dirname(this.path));
      await this.check(task);
    }
    if (this.#durable.has(folder)) return;
    let path = this.path;
    for (const segment of relative(this.path, folder).split(sep).filter(Boolean)) {
      const parent = path;
      const child = join(parent, segment);
      await unless(
        task.run(() => mkdir(child)),
        "EEXIST",
      );
      await syncFolder(task, parent);
      path = child;
    }
    await this.#removeLeftovers(task, folder);
    this.#durable.add(folder);
  }

  /** To be called when a folder turned out to be missing that had been made. */
  forgetFolders(): void {
    this.#durable.clear();
  }

  /** Removes `folder` and those above it, up to the root, as far as they are empty. */
  async removeEmptyFolders(task: FileTask, folder: string): Promise<void> {
    for (let path = folder; path !== this.path; path = dirname(path)) {
      this.#durable.delete(path);
      try {
        await task.run(() => rmdir(path));
      } catch (error) {
        if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(systemCode(error) ?? "")) return;
        throw error;
      }
    }
  }

  /** A put does not depend on this, so a failure is reported and the put goes on. */
  async #removeLeftovers(task: FileTask, folder: string): Promise<void> {
    for (const entry of await task.run(() => readdir(folder))) {
      if (!isPendingName(entry)) continue;
      const path = join(folder, entry);
      try {
        const { mtimeMs } = await task.run(() => stat(path));
        if (this.#clock.now() - mtimeMs > leftoverAgeMs) await removeLeftover(task, folder, entry);
      } catch (error) {
        throwIfAborted(task.signal);
        if (systemCode(error) === "ENOENT") continue;
        this.#logger.warn({ path, err: error }, "cannot remove what an earlier writer left behind");
      }
    }
  }
}

/** Makes what was renamed or removed in `folder` survive a loss of power. */
export async function syncFolder(task: FileTask, folder: string): Promise<void> {
  const handle = await task.run(() => open(folder, "r"));
  try {
    await task.run(() => handle.sync());
  } finally {
    await task.finish(() => handle.close());
  }
}

async function deviceOf(task: FileTask, folder: string): Promise<number | undefined> {
  const stats = await unless(
    task.run(() => stat(folder)),
    "ENOENT",
    "ENOTDIR",
  );
  return stats?.isDirectory() === true ? stats.dev : undefined;
}
