import { mkdir, open, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import { systemCode, unless } from "./file-errors.ts";

const pendingPrefix = ".pending-";
const lockSuffix = ".lock";

/** How long a waiter sees the same holder before it takes the lock from it. Liveness only. */
const staleAfterMs = 1000;
const pollIntervalMs = 10;

export interface LockWait {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
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
  /** Where the content stands now: in the private folder, then in the lock. */
  #place: string;

  private constructor(folder: string, name: string, token: string) {
    this.#folder = folder;
    this.#name = name;
    this.#token = token;
    this.#place = join(folder, `${pendingPrefix}${token}`);
  }

  /** Writes and syncs the content, and the sidecar where there is one. `token` is never used twice. */
  static async stage(
    target: { readonly folder: string; readonly name: string; readonly token: string },
    bytes: Uint8Array,
    sidecar: string | null,
  ): Promise<PendingFile> {
    const pending = new PendingFile(target.folder, target.name, target.token);
    await mkdir(pending.#place);
    try {
      await writeSynced(pending.#content, bytes);
      if (sidecar !== null) await writeSynced(pending.#sidecar, sidecar);
    } catch (error) {
      await pending.discard();
      throw error;
    }
    return pending;
  }

  /** Waits for the lock of this name and takes it. */
  async lock({ clock, random, signal }: LockWait): Promise<void> {
    const lock = join(this.#folder, `.${this.#name}${lockSuffix}`);
    let patienceMs = staleAfterMs;
    let holder = "";
    let seenSinceMs = 0;
    for (;;) {
      throwIfAborted(signal);
      if (await this.#tryLock(lock)) return;
      const nowMs = clock.monotonicMs();
      const entries = (await unless(readdir(lock), "ENOENT")) ?? [];
      const seen = entries.sort().join();
      if (seen !== holder) {
        holder = seen;
        seenSinceMs = nowMs;
      } else if (seen !== "" && nowMs - seenSinceMs > patienceMs) {
        await revokeLock(lock);
        // A holder that is slow rather than dead gets more time, so that somebody gets through.
        patienceMs *= 2;
        continue;
      }
      await clock.sleep(random.unit() * pollIntervalMs, signal);
    }
  }

  /** Under the lock: puts the sidecar where `path` says. False when the lock was taken away. */
  async placeSidecar(path: string): Promise<boolean> {
    return moved(rename(this.#sidecar, path));
  }

  /** Under the lock: the content becomes the object, in one step. False when it was taken away. */
  async commit(): Promise<boolean> {
    return moved(rename(this.#content, join(this.#folder, this.#name)));
  }

  /** Removes what is left, the lock too. Right after a commit and after any failure. */
  async discard(): Promise<void> {
    await unless(unlink(this.#content), "ENOENT");
    await unless(unlink(this.#sidecar), "ENOENT");
    await removeIfEmpty(this.#place);
  }

  get #content(): string {
    return join(this.#place, this.#token);
  }

  get #sidecar(): string {
    return join(this.#place, `${this.#token}.meta`);
  }

  async #tryLock(lock: string): Promise<boolean> {
    try {
      await rename(this.#place, lock);
    } catch (error) {
      if (["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) return false;
      throw error;
    }
    this.#place = lock;
    return true;
  }
}

/** Takes the lock from its holder, whose commit can not succeed any more, unless it just has. */
export async function revokeLock(lock: string): Promise<void> {
  for (const entry of (await unless(readdir(lock), "ENOENT")) ?? []) {
    await unless(unlink(join(lock, entry)), "ENOENT");
  }
}

/** Removes what a writer left that was killed: safe at any time, even if that writer lives. */
export async function removeLeftover(folder: string, entry: string): Promise<void> {
  const path = join(folder, entry);
  if (entry.startsWith(pendingPrefix)) return rm(path, { recursive: true, force: true });
  await revokeLock(path);
  await removeIfEmpty(path);
}

async function removeIfEmpty(folder: string): Promise<void> {
  await unless(rmdir(folder), "ENOENT", "ENOTEMPTY", "EEXIST");
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

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(path, "wx");
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
