import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import {
  type AlsoRestore,
  alsoRestoreFromMetadata,
  alsoRestoreToMetadata,
} from "./also-restore.ts";

/** What each version says of itself, beside its bytes: the history is a hash chain. */
export interface VersionMetadata {
  readonly operation: string;
  readonly sequence: number;
  readonly sha256: string;
  /** The version that this one replaced; null on the first. */
  readonly previous: { readonly key: string; readonly sha256: string } | null;
  /** Only where no pointer can say so. */
  readonly singleWriter: boolean;
  readonly channelPointsSha256: string | null;
  readonly bareChannels: number | null;
  /** What a restore of it needs besides, as far as metadata has room for it. */
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

/** Null where the metadata is not ours, as after a copy that dropped it. */
export function readVersionMetadata(
  metadata: Readonly<Record<string, string>>,
): VersionMetadata | null {
  const operation = metadata["scb-operation"];
  const sha256 = metadata["scb-sha256"];
  const sequence = Number(metadata["scb-sequence"]);
  if (operation === undefined || sha256 === undefined || !Number.isSafeInteger(sequence)) {
    return null;
  }
  const previousKey = metadata["scb-previous-key"];
  const previousSha256 = metadata["scb-previous-sha256"];
  const hasPrevious = previousKey !== undefined && previousSha256 !== undefined;
  return {
    operation,
    sequence,
    sha256,
    previous: hasPrevious ? { key: previousKey, sha256: previousSha256 } : null,
    singleWriter: isSingleWriterVersion(metadata),
    channelPointsSha256: metadata["scb-channel-points-sha256"] ?? null,
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
  return (await store.head(key, options))?.metadata ?? {};
}
