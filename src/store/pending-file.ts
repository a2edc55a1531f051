import { mkdir, open, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { FileTask } from "./file-calls.ts";
import { systemCode, unless } from "./file-errors.ts";

const pendingPrefix = ".pending-";
const lockSuffix = ".lock";

/**
 * How long a waiter watches the same holder before it takes the lock away. This affects only liveness.
 */
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

/** Whether a folder's `entry` is a pending put or a lock: hidden names that a crash may leave behind. */
export function isPendingName(entry: string): boolean {
  return entry.startsWith(pendingPrefix) || (entry.startsWith(".") && entry.endsWith(lockSuffix));
}

/**
 * New content on its way to `name`, and the lock under which it gets there.
 *
 * The content is written and synced as `.pending-TOKEN/TOKEN`. Renaming that folder to `.NAME.lock` takes
 * the lock: this is possible only if there is no such folder, or an empty one. The commit renames the
 * file out of that folder to its name, which releases the lock in the same step. So the file that makes a
 * commit possible *is* the lock, and taking the lock away means taking the file away: the holder's commit
 * then fails, however late it comes. Losing the lock costs a live holder another round, never an update;
 * clocks and process ids play no part in that. The first waiter takes away the lock of a killed holder.
 */
export class PendingFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #token: string;
  readonly #task: FileTask;
  /** Where the content is now: in the private folder, then in the lock. */
  #place: string;

  private constructor({ folder, name, token, task }: PendingTarget) {
    this.#folder = folder;
    this.#name = name;
    this.#token = token;
    this.#task = task;
    this.#place = join(folder, `${pendingPrefix}${token}`);
  }

  /** Writes and syncs the content, and the sidecar if there is one. */
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

  /** Waits for this name's lock and takes it. */
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
        // A slow but live holder gets more time, so that some writer makes progress.
        patienceMs *= 2;
        continue;
      }
      await clock.sleep(random.unit() * pollIntervalMs, this.#task.signal);
    }
  }

  /** Under the lock: moves the sidecar to `path`. False if the lock was taken away. */
  async placeSidecar(path: string): Promise<boolean> {
    return moved(this.#task.run(() => rename(this.#sidecar, path)));
  }

  /** Under the lock: makes the content the object, in one step. False if the lock was taken away. */
  async commit(): Promise<boolean> {
    return moved(this.#task.run(() => rename(this.#content, join(this.#folder, this.#name))));
  }

  /** Removes what is left, including the lock. Call it right after a commit and after any failure. */
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

/** Takes the lock from its holder, whose commit can no longer succeed unless it just has. */
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

/** Removes what a killed writer left. Safe at any time, even if that writer is alive. */
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
