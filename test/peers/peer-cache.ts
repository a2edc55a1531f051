import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** Tells people what takes time. */
export type Progress = (line: string) => void;

export const toStderr: Progress = (line) => {
  process.stderr.write(`peers: ${line}\n`);
};

/** Where built peers are kept: outside the work tree, shared by all checkouts. */
export function cacheRoot(): string {
  const { SCB_MIRROR_CACHE, XDG_CACHE_HOME } = process.env;
  if (SCB_MIRROR_CACHE) return SCB_MIRROR_CACHE;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "scb-mirror");
}

export interface CachedBuild {
  /** Names the folder: everything that the result depends on. */
  readonly key: string;
  /** For people: what is built, and how long it takes when nothing is cached. */
  readonly title: string;
  /** Fills the folder. */
  readonly build: (folder: string) => Promise<void>;
}

/**
 * The folder of a finished build, made first if it is missing. It is built under another name
 * and renamed when it is whole, so an interrupted build is never taken for a finished one; of
 * several processes that ask at once, one builds and the others wait.
 */
export async function cached(
  { key, title, build }: CachedBuild,
  progress: Progress,
  root = cacheRoot(),
): Promise<string> {
  const folder = join(root, key);
  if (existsSync(folder)) return folder;
  await mkdir(root, { recursive: true });
  using _lock = await lock(join(root, `${key}.lock`), () =>
    progress(`${title}: another process builds it, waiting`),
  );
  if (existsSync(folder)) return folder;
  progress(`${title}: building`);
  const startedAt = performance.now();
  const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(0);
  const reminder = setInterval(() => progress(`${title}: building, ${seconds()} s`), 30_000);
  const unfinished = join(root, `${key}.unfinished`);
  try {
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished);
    await build(unfinished);
    await rename(unfinished, folder);
  } finally {
    clearInterval(reminder);
    await rm(unfinished, { recursive: true, force: true });
  }
  progress(`${title}: done after ${seconds()} s`);
  return folder;
}

/**
 * Keeps other processes out until disposed. SQLite's lock is the operating system's lock on the
 * file, so it is released when its holder ends, however that happens.
 */
async function lock(path: string, onWait: () => void): Promise<Disposable> {
  const database = new DatabaseSync(path, { timeout: 0 });
  for (let attempt = 0; ; attempt++) {
    try {
      database.exec("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      if (!isLocked(error)) {
        database.close();
        throw new Error(`the lock ${path} can't be taken`, { cause: error });
      }
      if (attempt === 0) onWait();
      await delay(200);
    }
  }
}

const sqliteBusy = 5;

function isLocked(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
