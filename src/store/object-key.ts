import { ScbError } from "../runtime/error.ts";

const segmentPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const partialSegmentPattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)?$/;
const metadataNamePattern = /^[a-z0-9-]+$/;
const metadataValuePattern = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const metadataLimitBytes = 1536;

/** Whether `segment` may stand between two slashes of a key. It never hides a file or leads upwards. */
export function isKeySegment(segment: string): boolean {
  return segmentPattern.test(segment);
}

/** Whether `key` is a valid key, as `ObjectStore` defines it. */
export function isKey(key: string): boolean {
  return key.split("/").every(isKeySegment);
}

/** Throws "store-rejected" for an invalid key. */
export function checkKey(key: string): void {
  if (!isKey(key)) {
    throw new ScbError(
      "store-rejected",
      `${JSON.stringify(key)} is not a key: use segments of A-Z a-z 0-9 . _ - joined by "/", none starting with a dot`,
    );
  }
}

/** Throws "store-rejected" for a string that no key starts with. "" is always valid. */
export function checkPrefix(prefix: string): void {
  const segments = prefix.split("/");
  const last = segments.pop() ?? "";
  if (!segments.every(isKeySegment) || !partialSegmentPattern.test(last)) {
    throw new ScbError("store-rejected", `${JSON.stringify(prefix)} is not the start of a key`);
  }
}

/** As `checkPrefix`, for a folder's prefix: it ends in "/" or is empty. */
export function checkFolderPrefix(prefix: string): void {
  checkPrefix(prefix);
  if (prefix !== "" && !prefix.endsWith("/")) {
    throw new ScbError(
      "store-rejected",
      `${JSON.stringify(prefix)} is not a folder: end it in "/"`,
    );
  }
}

/** Throws "store-rejected" for metadata that some store would not return unchanged. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    sizeBytes += name.length + value.length;
    if (!metadataNamePattern.test(name) || !metadataValuePattern.test(value)) {
      throw new ScbError(
        "store-rejected",
        `metadata ${JSON.stringify(name)}: names are a-z 0-9 -, values are printable ASCII, not empty, without spaces at either end`,
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

/** Compares keys by their bytes. They are ASCII, so comparing characters is enough. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
