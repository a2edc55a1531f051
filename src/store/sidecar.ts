import { z } from "zod";
import { sha256Hex } from "../runtime/digest.ts";

/**
 * A store without a place for metadata keeps it in a hidden file beside the object. That file's name
 * depends on the content, so that it can be written before the content and a reader never sees one
 * without the other. A `FileStore` folder and the path of an rclone remote have the same layout, so one
 * may be copied to the other.
 */
export function sidecarName(name: string, etag: string): string {
  return `.${name}.${etag.slice(1, 17)}.meta`;
}

/** The size limit of a sidecar; none that is written here is larger. */
export const longestSidecarBytes = 64 * 1024;

/** The quoted SHA-256 of the content, so the object has this etag whatever wrote it. */
export function contentEtag(bytes: Uint8Array): string {
  return `"${sha256Hex(bytes)}"`;
}

const sidecarSchema = z.object({ etag: z.string(), metadata: z.record(z.string(), z.string()) });

export function encodeSidecar(etag: string, metadata: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ etag, metadata })}\n`;
}

/** Null for a sidecar that is damaged or for other content. */
export function decodeSidecar(bytes: Uint8Array, etag: string): Record<string, string> | null {
  const parsed = sidecarSchema.safeParse(parseJson(new TextDecoder().decode(bytes)));
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
