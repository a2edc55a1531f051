import * as z from "zod";
import { parseVersionKey, versionKey } from "./layout.ts";
import { operationIdPattern } from "./operation-id.ts";
import { channelPointText, sha256Text, versionKeyText } from "./record.ts";

/**
 * An older version that a restore needs besides the current one: it holds channels that the node has
 * closed, whose funds it doesn't call fully resolved. lnd exports them no more, and without a backup
 * of them those funds are lost with the node.
 */
export interface AlsoRestore {
  /** Relative to the node's folder. */
  readonly key: string;
  /** Null if only the version itself says it (a folder without a pointer). */
  readonly sha256: string | null;
  /** Which channels it is needed for, sorted; empty if that isn't known. */
  readonly channelPoints: readonly string[];
}

/** As the pointer holds them. */
export const alsoRestoreSchema = z.array(
  z.looseObject({
    key: versionKeyText,
    sha256: sha256Text.nullable(),
    channelPoints: z.array(channelPointText),
  }),
);

/** Both lists, each version once: what the first says of it goes. */
export function joinedAlso(
  first: readonly AlsoRestore[],
  second: readonly AlsoRestore[],
): readonly AlsoRestore[] {
  const isNew = ({ key }: AlsoRestore): boolean => !first.some((named) => named.key === key);
  return [...first, ...second.filter(isNew)];
}

/** Metadata is small on every store. What doesn't fit is in the pointer alone. */
const mostInMetadata = 16;

/**
 * The keys alone, for the metadata of a version: so that the references outlive a lost pointer, and a
 * folder without pointers has them at all.
 */
export function alsoRestoreToMetadata(also: readonly AlsoRestore[]): string {
  return also
    .flatMap(({ key }) => parseVersionKey(key) ?? [])
    .map(({ sequence, operation }) => `${sequence}-${operation}`)
    .slice(-mostInMetadata)
    .join(" ");
}

const referencePattern = new RegExp(`^(\\d{1,15})-(${operationIdPattern})$`);

/** What can't be read is passed over: it may be another program's. */
export function alsoRestoreFromMetadata(text: string | undefined): readonly AlsoRestore[] {
  return (text ?? "").split(" ").flatMap((reference) => {
    const [, sequence, operation = ""] = referencePattern.exec(reference) ?? [];
    const name = sequence && parseVersionKey(versionKey(Number(sequence), operation));
    return name ? [{ key: name.key, sha256: null, channelPoints: [] }] : [];
  });
}
