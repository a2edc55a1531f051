import { readFile } from "node:fs/promises";
import { abortable } from "./abort.ts";
import { hasCode, ScbError } from "./error.ts";

/** By path: what is being read now. */
const underWay = new Map<string, Promise<Uint8Array>>();

/**
 * Reads a file within `ms`, or throws "io" with the reason alone. A read that hangs, as on a disk whose
 * server is gone, keeps one of the few threads that there are for files, so the next caller of the
 * same path waits for that read, and makes none of its own. Other errors are Node's.
 */
export async function readFileInTime(path: string, ms: number): Promise<Uint8Array> {
  let reading = underWay.get(path);
  if (reading === undefined) {
    reading = readFile(path).finally(() => underWay.delete(path));
    underWay.set(path, reading);
  }
  try {
    return await abortable(reading, AbortSignal.timeout(ms));
  } catch (error) {
    if (!hasCode(error, "aborted")) throw error;
    throw new ScbError("io", `nothing came from it in ${ms / 1000} s`, { cause: error });
  }
}
