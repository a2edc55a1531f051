import * as z from "zod";
import { hasCode } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import {
  type AlsoRestore,
  alsoRestoreFromMetadata,
  alsoRestoreToMetadata,
} from "./also-restore.ts";
import { operationIdPattern } from "./operation-id.ts";
import { sha256Text, versionKeyText } from "./record.ts";

/** A version's metadata, stored beside its bytes. It makes the history a hash chain. */
export interface VersionMetadata {
  readonly operation: string;
  readonly sequence: number;
  readonly sha256: string;
  /** The version that this one replaced; null on the first. */
  readonly previous: { readonly key: string; readonly sha256: string } | null;
  /** Only in a folder without a pointer, which could not say so. */
  readonly singleWriter: boolean;
  readonly channelPointsSha256: string | null;
  readonly bareChannels: number | null;
  /** The older versions that a restore also needs, as far as metadata has room for them. */
  readonly alsoRestore: readonly AlsoRestore[];
}

export function writeVersionMetadata(version: VersionMetadata): Record<string, string> {
  const metadata: Record<string, string> = {
    "scb-schema": "1",
    "scb-operation": version.operation,
    "scb-sequence": String(version.sequence),
    "scb-sha256": version.sha256,
  };
  if (version.previous !== null) {
    metadata["scb-previous-key"] = version.previous.key;
    metadata["scb-previous-sha256"] = version.previous.sha256;
  }
  if (version.singleWriter) metadata["scb-single-writer"] = "true";
  if (version.channelPointsSha256 !== null) {
    metadata["scb-channel-points-sha256"] = version.channelPointsSha256;
  }
  if (version.bareChannels !== null) {
    metadata["scb-bare-channels"] = String(version.bareChannels);
  }
  const also = alsoRestoreToMetadata(version.alsoRestore);
  if (also !== "") metadata["scb-also-restore"] = also;
  return metadata;
}

const metadataFormat = z.object({
  "scb-operation": z.string().regex(new RegExp(`^${operationIdPattern}$`)),
  // A repair or a manual copy may leave it empty.
  "scb-sha256": z.union([z.literal(""), sha256Text]),
  "scb-sequence": z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.int().min(1)),
  "scb-previous-key": versionKeyText.optional(),
  "scb-previous-sha256": z.union([z.literal(""), sha256Text]).optional(),
  "scb-channel-points-sha256": sha256Text.optional(),
});

/**
 * Null if the metadata isn't ours, for example because a copy dropped it, or if its values are invalid.
 */
export function readVersionMetadata(
  metadata: Readonly<Record<string, string>>,
): VersionMetadata | null {
  const parsed = metadataFormat.safeParse(metadata);
  if (!parsed.success) return null;
  const {
    "scb-operation": operation,
    "scb-sha256": sha256,
    "scb-sequence": sequence,
    "scb-previous-key": previousKey,
    "scb-previous-sha256": previousSha256,
    "scb-channel-points-sha256": channelPointsSha256 = null,
  } = parsed.data;
  const hasPrevious = previousKey !== undefined && previousSha256 !== undefined;
  return {
    operation,
    sequence,
    sha256,
    previous: hasPrevious ? { key: previousKey, sha256: previousSha256 } : null,
    singleWriter: isSingleWriterVersion(metadata),
    channelPointsSha256,
    bareChannels: countOf(metadata["scb-bare-channels"]),
    alsoRestore: alsoRestoreFromMetadata(metadata["scb-also-restore"]),
  };
}

function countOf(text: string | undefined): number | null {
  const count = Number(text);
  return text !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

export function isSingleWriterVersion(metadata: Readonly<Record<string, string>>): boolean {
  return metadata["scb-single-writer"] === "true";
}

export async function metadataOf(
  store: ObjectStore,
  key: string,
  options?: RequestOptions,
): Promise<Readonly<Record<string, string>>> {
  try {
    return (await store.head(key, options))?.metadata ?? {};
  } catch (error) {
    // Nothing of ours is that large, so it has no metadata of ours.
    if (hasCode(error, "store-too-large")) return {};
    throw error;
  }
}
