import { link, lstat, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, parse, resolve, sep } from "node:path";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";

export interface OutputTarget {
  /** Absolute, with links resolved. */
  readonly path: string;
  /** An existing file may be replaced. */
  readonly force: boolean;
}

export interface OutputOptions {
  readonly force: boolean;
  /** Which links to follow on the way to the file: this user's and root's, or none. */
  readonly links?: "own" | "none";
}

/**
 * Checks that a file can be written here. Throws "exists" if there is one and `force` is false, "refused"
 * for a link that must not be followed, and "io" if the folder is missing or if something other than a
 * file, such as a device, would be replaced.
 */
export async function checkOutputTarget(
  name: string,
  { force, links = "own" }: OutputOptions,
): Promise<OutputTarget> {
  const path = await followed(resolve(name), links);
  const info = await orNull(stat(path));
  if (info?.isDirectory() === true) {
    throw new ScbError("io", `${path} is a folder: name a file inside it with -o`);
  }
  if (info !== null && !info.isFile()) {
    throw new ScbError(
      "io",
      `${path} is not a regular file: choose another with -o, or "-" for stdout`,
    );
  }
  if ((await orNull(realpath(dirname(path)))) === null) {
    throw new ScbError(
      "io",
      `${dirname(path)} doesn't exist: create this folder, or choose another`,
    );
  }
  // lstat, because a dangling link is in the way too.
  if (!force && (await orNull(lstat(path))) !== null) throw existsAlready(path);
  return { path, force };
}

/** The limit of Linux. */
const mostLinks = 40;

/**
 * The path with its links resolved. In a folder that everybody may write to, such as /tmp, another user
 * could plant a link, and have this user's rights overwrite what it points to.
 */
async function followed(path: string, links: "own" | "none", left = mostLinks): Promise<string> {
  let at = parse(path).root;
  const names = path.slice(at.length).split(sep);
  for (const [index, name] of names.entries()) {
    at = join(at, name);
    const info = await orNull(lstat(at));
    if (info?.isSymbolicLink() !== true) continue;
    // With "none", links higher up may still be followed: the administrator made them.
    const isLast = index === names.length - 1;
    const isOwn = [0, process.getuid?.() ?? 0].includes(info.uid);
    if (!isOwn || (links === "none" && isLast)) throw notFollowed(at);
    if (left === 0)
      throw new ScbError("io", `${path}: too many links: choose another file with -o`);
    const target = resolve(dirname(at), await readlink(at), ...names.slice(index + 1));
    // The link is dangling, so it is itself in the way.
    if (isLast && (await orNull(lstat(target))) === null) return at;
    return followed(target, links, left - 1);
  }
  return path;
}

function notFollowed(path: string): ScbError {
  return new ScbError(
    "refused",
    `${path} is a link that may be another user's, so it was not followed: choose another name with -o, or remove the link`,
  );
}

/**
 * Writes a file to a checked target, completely or not at all. Throws "exists" if a file that may not be
 * replaced has appeared since the check, and "io".
 */
export async function writeOutputFile(
  { path, force }: OutputTarget,
  bytes: Uint8Array,
  { mode, random }: { readonly mode: number; readonly random: Random },
): Promise<void> {
  // Not the process id: in a container every run has the same one.
  const token = Buffer.from(random.bytes(6)).toString("hex");
  const temporary = join(dirname(path), `.${basename(path)}.${token}.partial`);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await (force ? rename(temporary, path) : moveToNew(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof ScbError) throw error;
    throw new ScbError("io", `can't write ${path}: ${reasonOf(error)}; nothing was left there`, {
      cause: error,
    });
  }
}

/** Links instead of renaming, since a rename replaces an existing file. */
async function moveToNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch {
    if ((await orNull(lstat(path))) !== null) throw existsAlready(path);
    // Not every file system has hard links.
    return rename(temporary, path);
  }
  await rm(temporary);
}

function existsAlready(path: string): ScbError {
  return new ScbError(
    "exists",
    `${path} already exists and was left as it is: choose another name with -o, or use --force`,
  );
}

/** Null if there is no such file, or if this user may not see it. */
export async function orNull<T>(look: Promise<T>): Promise<T | null> {
  try {
    return await look;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(codeOf(error))) return null;
    throw new ScbError("io", error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space, or choose another with -o",
  EDQUOT: "the disk quota is used up: choose another disk with -o",
  EACCES: "this user may not write there: choose another folder with -o",
  EPERM: "this user may not write there: choose another folder with -o",
  EROFS: "the disk is read-only: choose another with -o",
};

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return reasons[codeOf(error)] ?? message;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
