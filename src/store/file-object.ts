import { createHash } from "node:crypto";
import { constants, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { systemCode, unless } from "./file-errors.ts";

/** A file as the store sees it: the content is what counts, the metadata stands beside it. */
export interface FileObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** By the file system, milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly metadata: Readonly<Record<string, string>>;
}

const sidecarSchema = z.object({ etag: z.string(), metadata: z.record(z.string(), z.string()) });

/** The quoted sha256 of the content: whoever writes the file, by whatever means, it has this etag. */
export function fileEtag(bytes: Uint8Array): string {
  return `"${createHash("sha256").update(bytes).digest("hex")}"`;
}

/**
 * Where the metadata of `name` stands while its content has `etag`. It is named by the content, so
 * that it can be put in place before the content is and a reader never sees one without the other.
 */
export function sidecarPath(folder: string, name: string, etag: string): string {
  return join(folder, `.${name}.${etag.slice(1, 17)}.meta`);
}

export function encodeSidecar(etag: string, metadata: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ etag, metadata })}\n`;
}

/** Reads a file and its metadata as of one moment, or null where there is no file. */
export async function readFileObject(folder: string, name: string): Promise<FileObject | null> {
  const path = join(folder, name);
  for (;;) {
    const handle = await unless(
      open(path, constants.O_RDONLY | constants.O_NOFOLLOW),
      "ENOENT",
      "ENOTDIR",
    );
    if (handle === undefined) return null;
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) return null;
      const bytes = new Uint8Array(await handle.readFile());
      const etag = fileEtag(bytes);
      const metadata = await readSidecar(folder, name, etag);
      // Whoever replaces the file then removes its sidecar, so a missing one says nothing until the
      // file is known to be the same still. The open handle keeps its inode from being used again.
      if (metadata === null && (await inodeOf(path)) !== stats.ino) continue;
      return { bytes, etag, modifiedAt: Math.round(stats.mtimeMs), metadata: metadata ?? {} };
    } finally {
      await handle.close();
    }
  }
}

/** A sidecar that is missing, damaged, or of another content is no sidecar. */
async function readSidecar(
  folder: string,
  name: string,
  etag: string,
): Promise<Record<string, string> | null> {
  const text = await unless(readFile(sidecarPath(folder, name, etag), "utf8"), "ENOENT", "ENOTDIR");
  if (text === undefined) return null;
  const parsed = sidecarSchema.safeParse(parseJson(text));
  return parsed.success && parsed.data.etag === etag ? parsed.data.metadata : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
