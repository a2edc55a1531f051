import { z } from "zod";
import { sha256Hex } from "../runtime/digest.ts";

/**
 * Where a store has no place for metadata, it stands in a hidden file beside the object. That file is
 * named by the content, so that it can be put in place before the content is and a reader never sees one
 * without the other. A folder of `FileStore` and the path of an rclone remote have the same layout: one
 * may be copied to the other.
 */
export function sidecarName(name: string, etag: string): string {
  return `.${name}.${etag.slice(1, 17)}.meta`;
}

/** No sidecar that was written here is larger. */
export const longestSidecarBytes = 64 * 1024;

/** The quoted sha256 of the content: whoever writes the object, by whatever means, it has this etag. */
export function contentEtag(bytes: Uint8Array): string {
  return `"${sha256Hex(bytes)}"`;
}

const sidecarSchema = z.object({ etag: z.string(), metadata: z.record(z.string(), z.string()) });

export function encodeSidecar(etag: string, metadata: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ etag, metadata })}\n`;
}

/** A sidecar that is damaged or of another content is no sidecar: null. */
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
