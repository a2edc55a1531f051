import { readFile } from "node:fs/promises";
import { abortable } from "./abort.ts";
import { hasCode, ScbError } from "./error.ts";

/** Reads under way, by path. */
const underWay = new Map<string, Promise<Uint8Array>>();

/**
 * Reads a file within `ms`. Otherwise throws "io" with only the reason. A hanging read, for example on a
 * disk whose server is gone, keeps one of the few threads for file access, so the next caller with the
 * same path waits for that read instead of starting its own. Other errors are Node's.
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
    throw new ScbError("io", `it could not be read within ${ms / 1000} s`, { cause: error });
  }
}
