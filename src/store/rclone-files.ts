import { bytesToHex } from "@noble/hashes/utils.js";
import { z } from "zod";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import type { Random } from "../runtime/random.ts";
import { checkListed } from "./file-list.ts";
import { isKeySegment } from "./object-key.ts";
import type { RcloneClient } from "./rclone-client.ts";
import { RcloneTrouble } from "./rclone-errors.ts";
import { longestSidecarBytes } from "./sidecar.ts";

/** A listed name, with what rclone knows about it. */
const entrySchema = z.object({
  Path: z.string(),
  Size: z.number(),
  ModTime: z.string(),
  IsDir: z.boolean(),
});
export type RcloneEntry = z.infer<typeof entrySchema>;
const listSchema = z.object({ list: z.array(entrySchema) });
const statSchema = z.object({ item: entrySchema.nullable() });

/** A version and its sidecar take about 400 bytes of a list. */
const longestListBytes = 128 * 1024 * 1024;
/** What servers say to the second one that makes a folder. */
const wasHindered = /mk(?:parent)?dir.*(?:SSH_FX_FAILURE|exist|\b405\b|\b409\b|\b423\b)/i;

/** The files below a folder of a remote, as rclone's remote control reads and writes them. */
export class RcloneFiles {
  readonly #client: RcloneClient;
  /** What rclone calls an fs. */
  readonly #fs: string;
  /** For people. */
  readonly #location: string;
  readonly #random: Random;

  constructor(
    client: RcloneClient,
    { fs, location, random }: { fs: string; location: string; random: Random },
  ) {
    this.#client = client;
    this.#fs = fs;
    this.#location = location;
    this.#random = random;
  }

  /** The file's bytes, or null if there is none. */
  read(
    key: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | "too-large" | null> {
    return this.#client.read(this.#fs, key, maxBytes, signal);
  }

  /** The file at `key`; null if there is none. */
  async stat(key: string, signal: AbortSignal): Promise<RcloneEntry | null> {
    const opt = { filesOnly: true, noMimeType: true };
    const answer = await this.#client.call(
      "operations/stat",
      { fs: this.#fs, remote: key, opt },
      signal,
    );
    if (answer === null) return null;
    const item = this.#parsed(statSchema, answer).item;
    return item === null || item.IsDir ? null : item;
  }

  /** The entries of `folder`: none if there is no such folder. */
  async list(
    folder: string,
    how: { readonly recurse?: true; readonly filesOnly?: true },
    signal: AbortSignal,
  ): Promise<readonly RcloneEntry[]> {
    const opt = { ...how, noMimeType: true };
    const asked = { fs: this.#fs, remote: folder, opt };
    let answer: unknown;
    try {
      answer = await this.#client.call("operations/list", asked, signal, longestListBytes);
    } catch (error) {
      // Some remotes fail on a file in the folder's place, with their own texts.
      const isTrouble = error instanceof RcloneTrouble && folder !== "";
      if (!isTrouble || (await this.stat(folder, signal)) === null) throw error;
      return [];
    }
    if (answer === null) return [];
    const { list } = this.#parsed(listSchema, answer);
    checkListed(list.length, `listing ${folder}/ in ${this.#location}`);
    return list;
  }

  /** Whether there is an object in `folder`, or in a folder below it. */
  async holdsObject(folder: string, signal: AbortSignal): Promise<boolean> {
    const entries = await this.list(folder, {}, signal);
    const isNamed = (entry: RcloneEntry): boolean => isKeySegment(nameOf(entry));
    if (entries.some((entry) => !entry.IsDir && isNamed(entry))) return true;
    for (const entry of entries.filter(isNamed)) {
      if (await this.holdsObject(`${folder}/${nameOf(entry)}`, signal)) return true;
    }
    return false;
  }

  /** Uploads under a hidden name and moves that to `key`, so that no reader sees part of it there. */
  async place(
    key: string,
    content: Uint8Array,
    progress: { mayHaveLanded: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const slash = key.lastIndexOf("/") + 1;
    const token = bytesToHex(this.#random.bytes(8));
    const pending = `${key.slice(0, slash)}.${key.slice(slash)}.${token}.new`;
    // The rest of a failed upload is hidden, and rclone removes it.
    await this.upload(pending, content, signal);
    progress.mayHaveLanded = true;
    const [srcFs, dstFs] = [this.#fs, this.#fs];
    const move = { srcFs, srcRemote: pending, dstFs, dstRemote: key };
    try {
      if ((await this.#client.call("operations/movefile", move, signal)) !== null) return;
    } catch (error) {
      await this.remove(pending, signal).catch(() => undefined);
      throw error;
    }
    throw new ScbError(
      "store-unknown",
      `${key} was uploaded to ${this.#location} as ${pending}, which then wasn't there to be moved`,
    );
  }

  /** Two uploads that create one folder at once may make each other fail; on the second try it exists. */
  async upload(key: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.upload(this.#fs, key, content, signal);
    } catch (error) {
      if (!(error instanceof RcloneTrouble && wasHindered.test(error.message))) throw error;
      await this.#client.upload(this.#fs, key, content, signal);
    }
  }

  /** Reads back what was written, and compares it. */
  async compare(key: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    const found = await this.#client.read(this.#fs, key, content.length, signal);
    if (found !== null && found !== "too-large" && Buffer.from(found).equals(content)) return;
    throw new ScbError(
      "store-unknown",
      `${key} was written to ${this.#location}, but what comes back ${found === null ? "is nothing" : "are other bytes"}`,
    );
  }

  async readSidecar(key: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const bytes = await this.#client.read(this.#fs, key, longestSidecarBytes, signal);
    return bytes === "too-large" ? null : bytes;
  }

  /** Resolves also if there is no such file. */
  async remove(key: string, signal: AbortSignal): Promise<void> {
    await this.#client.call("operations/deletefile", { fs: this.#fs, remote: key }, signal);
  }

  #parsed<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new ScbError(
      "store-unknown",
      `rclone's answer about ${this.#location} can't be read: ${foreignText(parsed.error.message)}`,
    );
  }
}

/** The last segment of its path. */
export function nameOf({ Path }: RcloneEntry): string {
  return Path.slice(Path.lastIndexOf("/") + 1);
}
