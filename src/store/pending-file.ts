import { mkdir, open, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { FileTask } from "./file-calls.ts";
import { systemCode, unless } from "./file-errors.ts";

const pendingPrefix = ".pending-";
const lockSuffix = ".lock";

/** How long a waiter sees the same holder before it takes the lock from it. Liveness only. */
const staleAfterMs = 1000;
const pollIntervalMs = 10;

export interface LockWait {
  readonly clock: Clock;
  readonly random: Random;
}

export interface PendingTarget {
  readonly folder: string;
  readonly name: string;
  /** Never used twice. */
  readonly token: string;
  readonly task: FileTask;
}

/** Whether `entry` of a folder is a put on its way, or a lock: hidden names that can be left over. */
export function isPendingName(entry: string): boolean {
  return entry.startsWith(pendingPrefix) || (entry.startsWith(".") && entry.endsWith(lockSuffix));
}

/**
 * New content on its way to `name`, and the lock under which it gets there.
 *
 * The content is written and synced as `.pending-TOKEN/TOKEN`. The lock is held by renaming that
 * folder to `.NAME.lock`: possible only while there is no such folder, or an empty one. The commit
 * renames the file out of it to its name, which releases the lock in the same step. So the file that
 * makes a commit possible *is* the lock, and to take the lock away is to take the file away: the
 * holder's commit then fails, however late it comes. A lock taken away from a live holder costs it
 * another round, never an update; clocks and process ids have no part in that. One whose holder was
 * killed is taken away by the first who waits for it.
 */
export class PendingFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #token: string;
  readonly #task: FileTask;
  /** Where the content stands now: in the private folder, then in the lock. */
  #place: string;

  private constructor({ folder, name, token, task }: PendingTarget) {
    this.#folder = folder;
    this.#name = name;
    this.#token = token;
    this.#task = task;
    this.#place = join(folder, `${pendingPrefix}${token}`);
  }

  /** Writes and syncs the content, and the sidecar where there is one. */
  static async stage(
    target: PendingTarget,
    bytes: Uint8Array,
    sidecar: string | null,
  ): Promise<PendingFile> {
    const { task } = target;
    const pending = new PendingFile(target);
    await task.run(() => mkdir(pending.#place));
    try {
      await writeSynced(task, pending.#content, bytes);
      if (sidecar !== null) await writeSynced(task, pending.#sidecar, sidecar);
    } catch (error) {
      await pending.discard();
      throw error;
    }
    return pending;
  }

  /** Waits for the lock of this name and takes it. */
  async lock({ clock, random }: LockWait): Promise<void> {
    const lock = join(this.#folder, `.${this.#name}${lockSuffix}`);
    let patienceMs = staleAfterMs;
    let holder = "";
    let seenSinceMs = 0;
    for (;;) {
      if (await this.#tryLock(lock)) return;
      const nowMs = clock.monotonicMs();
      const entries =
        (await unless(
          this.#task.run(() => readdir(lock)),
          "ENOENT",
        )) ?? [];
      const seen = entries.sort().join();
      if (seen !== holder) {
        holder = seen;
        seenSinceMs = nowMs;
      } else if (seen !== "" && nowMs - seenSinceMs > patienceMs) {
        await revokeLock(this.#task, lock);
        // A holder that is slow rather than dead gets more time, so that somebody gets through.
        patienceMs *= 2;
        continue;
      }
      await clock.sleep(random.unit() * pollIntervalMs, this.#task.signal);
    }
  }

  /** Under the lock: puts the sidecar where `path` says. False when the lock was taken away. */
  async placeSidecar(path: string): Promise<boolean> {
    return moved(this.#task.run(() => rename(this.#sidecar, path)));
  }

  /** Under the lock: the content becomes the object, in one step. False when it was taken away. */
  async commit(): Promise<boolean> {
    return moved(this.#task.run(() => rename(this.#content, join(this.#folder, this.#name))));
  }

  /** Removes what is left, the lock too. Right after a commit and after any failure. */
  async discard(): Promise<void> {
    for (const path of [this.#content, this.#sidecar]) {
      await unless(
        this.#task.finish(() => unlink(path)),
        "ENOENT",
      );
    }
    await removeIfEmpty(this.#task, this.#place);
  }

  get #content(): string {
    return join(this.#place, this.#token);
  }

  get #sidecar(): string {
    return join(this.#place, `${this.#token}.meta`);
  }

  async #tryLock(lock: string): Promise<boolean> {
    try {
      await this.#task.run(() => rename(this.#place, lock));
    } catch (error) {
      if (["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) return false;
      throw error;
    }
    this.#place = lock;
    return true;
  }
}

/** Takes the lock from its holder, whose commit can not succeed any more, unless it just has. */
export async function revokeLock(task: FileTask, lock: string): Promise<void> {
  const entries = await unless(
    task.run(() => readdir(lock)),
    "ENOENT",
  );
  for (const entry of entries ?? []) {
    await unless(
      task.run(() => unlink(join(lock, entry))),
      "ENOENT",
    );
  }
}

/** Removes what a writer left that was killed: safe at any time, even if that writer lives. */
export async function removeLeftover(task: FileTask, folder: string, entry: string): Promise<void> {
  const path = join(folder, entry);
  if (entry.startsWith(pendingPrefix)) {
    return task.run(() => rm(path, { recursive: true, force: true }));
  }
  await revokeLock(task, path);
  await removeIfEmpty(task, path);
}

async function removeIfEmpty(task: FileTask, folder: string): Promise<void> {
  await unless(
    task.finish(() => rmdir(folder)),
    "ENOENT",
    "ENOTEMPTY",
    "EEXIST",
  );
}

async function moved(renaming: Promise<void>): Promise<boolean> {
  try {
    await renaming;
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function writeSynced(
  task: FileTask,
  path: string,
  content: Uint8Array | string,
): Promise<void> {
  const handle = await task.run(() => open(path, "wx"));
  try {
    await task.run(() => handle.writeFile(content));
    await task.run(() => handle.sync());
  } finally {
    await task.finish(() => handle.close());
  }
}
