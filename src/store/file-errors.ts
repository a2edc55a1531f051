import { type ErrorCode, ScbError } from "../runtime/error.ts";

const meanings: Readonly<Record<string, readonly [code: ErrorCode, meaning: string]>> = {
  ENOSPC: ["store-busy", "the disk is full: free some space on it"],
  EDQUOT: ["store-busy", "the disk quota is used up: raise it or free some space"],
  EMFILE: ["store-busy", "too many open files in this process"],
  ENFILE: ["store-busy", "too many open files on this machine"],
  ENOMEM: ["store-busy", "the machine is out of memory"],
  EAGAIN: ["store-busy", "the file system asks to try again"],
  EBUSY: ["store-busy", "the file system is busy"],
  ENOENT: ["store-busy", "the folder was removed meanwhile"],
  EACCES: ["store-denied", "permission denied: give this user the right to read and write there"],
  EPERM: ["store-denied", "the system does not permit it: check owner, mode and attributes"],
  EROFS: ["store-denied", "the file system is mounted read-only: mount it for writing"],
  ENAMETOOLONG: ["store-rejected", "the name is too long for this file system"],
  EISDIR: ["store-rejected", "there is a folder where a file should be"],
  ENOTDIR: ["store-rejected", "there is a file where a folder should be"],
  ELOOP: ["store-rejected", "it is a symbolic link; only plain files are taken"],
  ENXIO: ["store-rejected", "it is a socket or a device; only plain files are taken"],
  EINVAL: ["store-rejected", "this file system can't do that: use another one"],
  ENOTSUP: ["store-rejected", "this file system can't do that: use another one"],
  EFBIG: ["store-rejected", "it is too large for this file system"],
  EIO: ["store-unknown", "the disk reports an error: check it"],
};

/** The system's name of an error (`ENOENT`), or undefined if it isn't a system error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Translates errors of `node:fs`. `doing` completes "… failed", as in "writing a/b in file:///x". Returns
 * anything but a system error unchanged.
 */
export function translateFileError(error: unknown, doing: string): unknown {
  const system = systemCode(error);
  if (error instanceof ScbError || system === undefined) return error;
  const [code, meaning] = meanings[system] ?? ["store-unknown", "the system gave an error"];
  return new ScbError(code, `${doing} failed: ${meaning} (${system})`, { cause: error });
}

/** Awaits `promise`. Resolves to undefined if it fails with one of these system errors. */
export async function unless<T>(
  promise: Promise<T>,
  ...codes: readonly string[]
): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (codes.includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
