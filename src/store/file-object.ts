import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { ScbError } from "../runtime/error.ts";
import type { FileTask } from "./file-calls.ts";
import { systemCode, unless } from "./file-errors.ts";
import { contentEtag, decodeSidecar, longestSidecarBytes, sidecarName } from "./sidecar.ts";

/** A file as the store sees it: its content, with the metadata kept in a sidecar. */
export interface FileObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** By the file system's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface FileReading {
  readonly task: FileTask;
  /** The size limit of the file. Metadata has its own. */
  readonly maxBytes: number;
  /** The error to throw if the file is larger. */
  readonly tooLarge: () => Error;
  /** Called with how many bytes of the file have been read. */
  readonly onProgress?: ((sizeBytes: number) => void) | undefined;
}

const chunkBytes = 1024 * 1024;
/** A pipe or a device in a file's place must not block the reader. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The path of the metadata of `name` while its content has `etag`. */
export function sidecarPath(folder: string, name: string, etag: string): string {
  return join(folder, sidecarName(name, etag));
}

/** Reads a file and its metadata from one moment; null if there is no file. */
export async function readFileObject(
  folder: string,
  name: string,
  reading: FileReading,
): Promise<FileObject | null> {
  const { task } = reading;
  const path = join(folder, name);
  for (;;) {
    const handle = await openFile(task, path);
    if (handle === undefined) return null;
    try {
      const stats = await task.run(() => handle.stat());
      if (stats.isDirectory()) return null;
      if (!stats.isFile()) {
        throw new ScbError(
          "store-rejected",
          `${path} is a pipe or a device instead of a file: remove it`,
        );
      }
      if (stats.size > reading.maxBytes) throw reading.tooLarge();
      const bytes = await readAll(handle, stats.size, reading);
      if (bytes === null) throw reading.tooLarge();
      const etag = contentEtag(bytes);
      const metadata = await readSidecar(task, folder, name, etag);
      // A writer that replaces the file then removes its sidecar, so a missing sidecar proves nothing
      // until the file is known to be the same. The open handle keeps its inode from being reused.
      if (metadata === null && (await inodeOf(task, path)) !== stats.ino) continue;
      return { bytes, etag, modifiedAt: Math.round(stats.mtimeMs), metadata: metadata ?? {} };
    } finally {
      await task.finish(() => handle.close());
    }
  }
}

/** Ignores a sidecar that is missing, damaged, not a plain file, or for other content. */
async function readSidecar(
  task: FileTask,
  folder: string,
  name: string,
  etag: string,
): Promise<Record<string, string> | null> {
  const handle = await openFile(task, sidecarPath(folder, name, etag), "ELOOP");
  if (handle === undefined) return null;
  try {
    const stats = await task.run(() => handle.stat());
    if (!stats.isFile()) return null;
    const bytes = await readAll(handle, stats.size, { task, maxBytes: longestSidecarBytes });
    return bytes === null ? null : decodeSidecar(bytes, etag);
  } finally {
    await task.finish(() => handle.close());
  }
}

/** The whole content; null if it is more than `maxBytes`. Some files report size 0 and never end. */
async function readAll(
  handle: FileHandle,
  expectedBytes: number,
  { task, maxBytes, onProgress }: Omit<FileReading, "tooLarge">,
): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  let nextBytes = Math.min(expectedBytes + 1, chunkBytes);
  for (;;) {
    const chunk = new Uint8Array(nextBytes);
    const { bytesRead } = await task.run(() => handle.read(chunk, 0, chunk.length, sizeBytes));
    if (bytesRead === 0) return new Uint8Array(Buffer.concat(chunks));
    sizeBytes += bytesRead;
    if (sizeBytes > maxBytes) return null;
    chunks.push(chunk.subarray(0, bytesRead));
    onProgress?.(sizeBytes);
    const leftBytes = expectedBytes + 1 - sizeBytes;
    nextBytes = Math.min(leftBytes > 0 ? leftBytes : Math.max(4096, sizeBytes), chunkBytes);
  }
}

async function openFile(
  task: FileTask,
  path: string,
  ...absentCodes: readonly string[]
): Promise<FileHandle | undefined> {
  return unless(
    task.run(() => open(path, openFlags)),
    "ENOENT",
    "ENOTDIR",
    ...absentCodes,
  );
}

async function inodeOf(task: FileTask, path: string): Promise<number | undefined> {
  try {
    return (await task.run(() => stat(path))).ino;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
