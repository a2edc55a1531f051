import { parseVersionKey } from "../../repository/layout.ts";
import type { Standing } from "../../repository/lineage.ts";
import type { Pointer } from "../../repository/pointer.ts";
import { type PrunedRecord, wasPruned } from "../../repository/pruned-record.ts";
import { ScbError } from "../../runtime/error.ts";

/** The facts about a folder that decide whether another may be copied into it. */
export interface FolderFacts {
  /** For people: the folder's location. */
  readonly location: string;
  /** Null if it is missing or unreadable. */
  readonly pointer: Pointer | null;
  /** The keys of its versions. */
  readonly keys: ReadonlySet<string>;
}

export interface SourceFacts extends FolderFacts {
  readonly standing: ReadonlyMap<string, Standing>;
  readonly pruned: PrunedRecord | null;
  /** What the version after the target's current one names as its predecessor; null if not known. */
  readonly namedByNext: string | null;
  /** The newest sequence that a copy can hold. */
  readonly reach: number;
}

/**
 * What the target is to the source.
 * - `fresh`: it has no pointer, and nothing that the source lacks.
 * - `ancestor`: its pointer names an earlier version of the source's history.
 * - `level`: its pointer names the same version as the source's.
 */
export type Relation = "fresh" | "ancestor" | "level";

/**
 * Decides whether the source's history continues the target's. Keys are enough, since each contains the id
 * of the operation that wrote it. Throws "wrong-node", and "refused" if the target is ahead, is on another
 * branch, or can't be placed.
 */
export function relationOf(source: SourceFacts, target: FolderFacts): Relation {
  refuseOtherNode(source, target);
  refuseStrangers(source, target);
  const theirs = target.pointer;
  const ours = source.pointer;
  if (theirs === null) return "fresh";
  if (ours?.version.key === theirs.version.key) {
    if (ours.version.sha256 === theirs.version.sha256) return "level";
    throw refused(
      `${target.location} records other bytes for ${theirs.version.key}. Check both with scb-mirror verify`,
      source,
    );
  }
  if (isAncestor(theirs, source)) return "ancestor";
  const newest = `sequence ${theirs.sequence} (${theirs.version.key})`;
  if (ours !== null && isAhead(theirs, ours, target)) {
    throw refused(
      `${target.location} is ahead: it has ${newest}, but the source ends at sequence ${ours.sequence}. To bring the source up to date, copy in the other direction`,
      source,
    );
  }
  if (ours !== null && wasPruned(source.pruned, theirs.sequence, theirs.sequence)) {
    throw refused(
      `the current version of ${target.location}, ${newest}, was pruned from the source, so nothing shows that the source's history continues it. Copy to an empty folder, and from now on prune only after a copy`,
      source,
    );
  }
  throw refused(
    `${target.location} is on another branch: its current version, ${newest}, isn't in the source's history. If a mirror writes to both stores, each has a history of its own and needs no copy; otherwise compare them with scb-mirror list, and copy to an empty folder`,
    source,
  );
}

function refuseOtherNode(source: FolderFacts, target: FolderFacts): void {
  for (const field of ["network", "pubkey"] as const) {
    const ours = source.pointer?.node[field] ?? null;
    const theirs = target.pointer?.node[field] ?? null;
    if (ours === null || theirs === null || ours === theirs) continue;
    throw new ScbError(
      "wrong-node",
      `the backups in ${target.location} belong to another node: their ${field} is ${theirs}, but in ${source.location} it is ${ours}; nothing was copied: check --to and --node`,
    );
  }
}

/** A version that only the target has must not be newer than the current version that it will be given. */
function refuseStrangers(source: SourceFacts, { location, pointer, keys }: FolderFacts): void {
  for (const key of keys) {
    if (source.keys.has(key)) continue;
    const sequence = parseVersionKey(key)?.sequence ?? 0;
    if (wasPruned(source.pruned, sequence, sequence)) continue;
    // Left by a lost race or an interrupted swap of a mirror that once wrote there.
    const isAside = pointer !== null && sequence <= pointer.sequence + 1;
    if (isAside && sequence <= source.reach) continue;
    // `relationOf` judges the version that its pointer names.
    if (key === pointer?.version.key) continue;
    throw refused(
      `${location} holds ${key}, which isn't in the source: its history is a different one, or is ahead. Compare them with scb-mirror list, stop any mirror that writes there, or copy to an empty folder`,
      source,
    );
  }
}

function isAncestor(theirs: Pointer, source: SourceFacts): boolean {
  const { pointer: ours, standing, namedByNext } = source;
  const { key } = theirs.version;
  if (ours !== null && theirs.sequence >= ours.sequence) return false;
  if (standing.get(key) === "lineage") return true;
  return (
    namedByNext === key ||
    ours?.previous?.key === key ||
    ours?.recentOperations.includes(theirs.operation) === true
  );
}

function isAhead(theirs: Pointer, ours: Pointer, { keys }: FolderFacts): boolean {
  const isFurther = theirs.sequence > ours.sequence;
  return isFurther && (keys.has(ours.version.key) || theirs.previous?.key === ours.version.key);
}

function refused(what: string, { location }: FolderFacts): ScbError {
  return new ScbError("refused", `nothing was copied from ${location}: ${what}`);
}
