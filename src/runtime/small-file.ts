import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { ScbError } from "./error.ts";

/** Far more than any setting or configuration file takes: a larger file was named by mistake. */
const largestSizeBytes = 256 * 1024;

/** The limit of waits for a pipe: 10 s in all. */
const mostWaits = 500;
const waitMs = 20;

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
  EAGAIN: "it gave nothing within 10 s",
};

/**
 * Reads a small text file, or a pipe such as `<(…)`, synchronously. Both its size and the wait are
 * bounded. Throws "io" with only the reason, to end a sentence.
 */
export function readSmallFile(path: string): string {
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readBounded(file).toString("utf8");
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ScbError) throw error;
    const code = codeOf(error);
    throw new ScbError("io", reasons[code] ?? code, { cause: error });
  }
}

function readBounded(file: number): Buffer {
  const bytes = Buffer.alloc(largestSizeBytes + 1);
  let sizeBytes = 0;
  for (let waits = 0; sizeBytes < bytes.length; ) {
    try {
      const got = readSync(file, bytes, sizeBytes, bytes.length - sizeBytes, null);
      if (got === 0) return mustNotBeEmptyPipe(file, bytes.subarray(0, sizeBytes));
      sizeBytes += got;
    } catch (error) {
      waits += 1;
      if (codeOf(error) !== "EAGAIN" || waits > mostWaits) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    }
  }
  throw new ScbError("io", `it is larger than ${largestSizeBytes / 1024} KiB`);
}

/** An empty file is somebody's choice, but an empty pipe means that a program failed or never started. */
function mustNotBeEmptyPipe(file: number, bytes: Buffer): Buffer {
  if (bytes.length > 0 || !fstatSync(file).isFIFO()) return bytes;
  throw new ScbError("io", "it is a pipe that nobody writes to");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "it is unreadable";
}
