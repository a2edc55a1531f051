import { link, lstat, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, parse, resolve, sep } from "node:path";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";

export interface OutputTarget {
  /** Absolute, and what a link points to. */
  readonly path: string;
  /** A file that is there may be replaced. */
  readonly force: boolean;
}

export interface OutputOptions {
  readonly force: boolean;
  /** What may be a link on the way to the file: this user's own and root's, or nothing. */
  readonly links?: "own" | "none";
}

/**
 * Where a file can be written to. Throws "exists" where one is there and `force` is false, "refused"
 * for a link that isn't to be followed, and "io" where its folder is missing, or where something is
 * there that is no file: a device, say, which a file would take the place of.
 */
export async function checkOutputTarget(
  name: string,
  { force, links = "own" }: OutputOptions,
): Promise<OutputTarget> {
  const path = await followed(resolve(name), links);
  const info = await orNull(stat(path));
  if (info?.isDirectory() === true) {
    throw new ScbError("io", `${path} is a folder: name a file in it with -o`);
  }
  if (info !== null && !info.isFile()) {
    throw new ScbError(
      "io",
      `${path} is no ordinary file: name another with -o, or "-" for stdout`,
    );
  }
  if ((await orNull(realpath(dirname(path)))) === null) {
    throw new ScbError("io", `${dirname(path)} is not there: make this folder, or choose another`);
  }
  // Not what it points to: a link that leads nowhere is there as well.
  if (!force && (await orNull(lstat(path))) !== null) throw existsAlready(path);
  return { path, force };
}

/** As many as Linux follows. */
const mostLinks = 40;

/**
 * The path without links in it. In a folder where everybody may write, such as /tmp, a link may be
 * another user's trap: what it leads to would be replaced with this user's rights.
 */
async function followed(path: string, links: "own" | "none", left = mostLinks): Promise<string> {
  let at = parse(path).root;
  const names = path.slice(at.length).split(sep);
  for (const [index, name] of names.entries()) {
    at = join(at, name);
    const info = await orNull(lstat(at));
    if (info?.isSymbolicLink() !== true) continue;
    // The folders above a file of one's own are the administrator's business.
    const isLast = index === names.length - 1;
    const isOwn = [0, process.getuid?.() ?? 0].includes(info.uid);
    if (!isOwn || (links === "none" && isLast)) throw notFollowed(at);
    if (left === 0) throw new ScbError("io", `${path}: too many links: name another with -o`);
    const target = resolve(dirname(at), await readlink(at), ...names.slice(index + 1));
    // Nothing is there: the link itself stands in the way.
    if (isLast && (await orNull(lstat(target))) === null) return at;
    return followed(target, links, left - 1);
  }
  return path;
}

function notFollowed(path: string): ScbError {
  return new ScbError(
    "refused",
    `${path} is a link that is not followed, because it may be another user's: choose another name with -o, or remove the link`,
  );
}

/**
 * Writes a file to a target that was checked, whole or not at all. Throws "exists" where a file has
 * come to be there meanwhile and none may be replaced, and "io".
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
    throw new ScbError("io", `cannot write ${path}: ${reasonOf(error)}; nothing was left there`, {
      cause: error,
    });
  }
}

/** A rename would replace what is there. */
async function moveToNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch {
    if ((await orNull(lstat(path))) !== null) throw existsAlready(path);
    // Not every file system has links.
    return rename(temporary, path);
  }
  await rm(temporary);
}

function existsAlready(path: string): ScbError {
  return new ScbError(
    "exists",
    `${path} is there already and was left as it is: choose another name with -o, or give --force`,
  );
}

/** Null where there is no such file, or where this user may not look. */
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
