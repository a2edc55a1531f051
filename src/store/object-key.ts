import { ScbError } from "../runtime/error.ts";

const segmentPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const partialSegmentPattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)?$/;
const metadataNamePattern = /^[a-z0-9-]+$/;
const metadataValuePattern = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const metadataLimitBytes = 1536;

/** Whether `segment` may stand between two slashes of a key: never hidden, never a way up. */
export function isKeySegment(segment: string): boolean {
  return segmentPattern.test(segment);
}

/** Whether `key` is one that a store takes, as `ObjectStore` says. */
export function isKey(key: string): boolean {
  return key.split("/").every(isKeySegment);
}

/** Throws `store-rejected` for a key that no store takes. */
export function checkKey(key: string): void {
  if (!isKey(key)) {
    throw new ScbError(
      "store-rejected",
      `${JSON.stringify(key)} is not a key: use segments of A-Z a-z 0-9 . _ - joined by "/", none beginning with a dot`,
    );
  }
}

/** Throws `store-rejected` for what can not be the beginning of a key. "" is the beginning of all. */
export function checkPrefix(prefix: string): void {
  const segments = prefix.split("/");
  const last = segments.pop() ?? "";
  if (!segments.every(isKeySegment) || !partialSegmentPattern.test(last)) {
    throw new ScbError("store-rejected", `${JSON.stringify(prefix)} is not the beginning of a key`);
  }
}

/** As `checkPrefix`, for one that names a folder: it ends in "/" or is empty. */
export function checkFolderPrefix(prefix: string): void {
  checkPrefix(prefix);
  if (prefix !== "" && !prefix.endsWith("/")) {
    throw new ScbError(
      "store-rejected",
      `${JSON.stringify(prefix)} is not a folder: end it in "/"`,
    );
  }
}

/** Throws `store-rejected` for metadata that would not come back from every store as it went in. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    sizeBytes += name.length + value.length;
    if (!metadataNamePattern.test(name) || !metadataValuePattern.test(value)) {
      throw new ScbError(
        "store-rejected",
        `metadata ${JSON.stringify(name)}: names are a-z 0-9 -, values printable ASCII without space at either end, not empty`,
      );
    }
  }
  if (sizeBytes > metadataLimitBytes) {
    throw new ScbError(
      "store-rejected",
      `metadata of ${sizeBytes} bytes is over the ${metadataLimitBytes} that every store takes`,
    );
  }
}

/** Compares keys by their bytes; keys are ASCII, so by their characters. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
