import * as z from "zod";
import { parseVersionKey, versionKey } from "./layout.ts";
import { operationIdPattern } from "./operation-id.ts";
import { channelPointText, sha256Text, versionKeyText } from "./record.ts";

/**
 * An older version that a restore needs besides the current one. It holds channels that the node has
 * closed but doesn't yet call fully resolved. lnd no longer exports them, and without a backup of them
 * their funds are lost with the node.
 */
export interface AlsoRestore {
  /** Relative to the node's folder. */
  readonly key: string;
  /** Null if only the version's own metadata names it (a folder without a pointer). */
  readonly sha256: string | null;
  /** The channels that it is needed for, sorted; empty if not known. */
  readonly channelPoints: readonly string[];
}

/** The form in which the pointer holds them. */
export const alsoRestoreSchema = z.array(
  z.looseObject({
    key: versionKeyText,
    sha256: sha256Text.nullable(),
    channelPoints: z.array(channelPointText),
  }),
);

/** Merges two lists, each version once. `first` wins. */
export function joinedAlso(
  first: readonly AlsoRestore[],
  second: readonly AlsoRestore[],
): readonly AlsoRestore[] {
  const isNew = ({ key }: AlsoRestore): boolean => !first.some((named) => named.key === key);
  return [...first, ...second.filter(isNew)];
}

/** Every store limits metadata. What doesn't fit is only in the pointer. */
const mostInMetadata = 16;

/**
 * Only the keys, for a version's metadata. So the references survive a lost pointer, and a folder without
 * a pointer has them at all.
 */
export function alsoRestoreToMetadata(also: readonly AlsoRestore[]): string {
  return also
    .flatMap(({ key }) => parseVersionKey(key) ?? [])
    .map(({ sequence, operation }) => `${sequence}-${operation}`)
    .slice(-mostInMetadata)
    .join(" ");
}

const referencePattern = new RegExp(`^(\\d{1,15})-(${operationIdPattern})$`);

/** Ignores what it can't read: another program may have written it. */
export function alsoRestoreFromMetadata(text: string | undefined): readonly AlsoRestore[] {
  return (text ?? "").split(" ").flatMap((reference) => {
    const [, sequence, operation = ""] = referencePattern.exec(reference) ?? [];
    const name = sequence && parseVersionKey(versionKey(Number(sequence), operation));
    return name ? [{ key: name.key, sha256: null, channelPoints: [] }] : [];
  });
}
