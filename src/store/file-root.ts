import { mkdir, open, readdir, rmdir, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { FileTask } from "./file-calls.ts";
import { systemCode, unless } from "./file-errors.ts";
import { isPendingName, removeLeftover } from "./pending-file.ts";

/** A put takes seconds at most: anything older was left by a killed writer. */
const leftoverAgeMs = 3_600_000;

/**
 * A `FileStore`'s root folder, protected against a disk that isn't mounted.
 *
 * The folder above the root must always exist; the first put creates the root itself. So if the root is
 * at least two levels below the mount point, nothing is written while the disk is away. Once the root has
 * been seen it is never created again, and it must stay on the device where it was first seen. So a disk
 * that is unmounted later is noticed even if the mount point has such a folder. (The device counts, not
 * the inode: exFAT and FAT change inode numbers.)
 */
export class FileRoot {
  readonly path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #device: number | undefined;
  /** Folders whose whole path up to the root is known to be on the disk. */
  readonly #durable = new Set<string>();

  constructor(path: string, clock: Clock, logger: Logger) {
    this.path = path;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether the root exists. Throws "store-no-bucket" if it should but doesn't. */
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
        `${parent}, the folder for ${this.path}, is not there: mount its disk, or create it`,
      );
    }
    this.#device ??= device;
    if (this.#device === device) return true;
    throw new ScbError(
      "store-no-bucket",
      `${this.path} is on a different disk than before: mount the original disk again, then restart`,
    );
  }

  /**
   * Creates `folder` (the root, or a folder below it) if it is missing, in a way that survives a crash.
   */
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

  /** Call it when a folder that had been created turns out to be missing. */
  forgetFolders(): void {
    this.#durable.clear();
  }

  /** Removes `folder` and the folders above it, up to the root, while they are empty. */
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

  /** A put doesn't depend on this, so a failure is logged and the put continues. */
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
        this.#logger.warn({ path, err: error }, "can't remove what an earlier writer left behind");
      }
    }
  }
}

/** Makes renames and removals in `folder` survive a loss of power. */
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
