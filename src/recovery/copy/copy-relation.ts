import { parseVersionKey } from "../../repository/layout.ts";
import type { Standing } from "../../repository/lineage.ts";
import type { Pointer } from "../../repository/pointer.ts";
import { type PrunedRecord, wasPruned } from "../../repository/pruned-record.ts";
import { ScbError } from "../../runtime/error.ts";

/** What of a folder decides whether another may be copied into it. */
export interface FolderFacts {
  /** For people: the folder's location. */
  readonly location: string;
  /** Null if there is none, or none that can be read. */
  readonly pointer: Pointer | null;
  /** The keys of its versions. */
  readonly keys: ReadonlySet<string>;
}

export interface SourceFacts extends FolderFacts {
  readonly standing: ReadonlyMap<string, Standing>;
  readonly pruned: PrunedRecord | null;
  /** Which version the one after the target's current names before it; null if that isn't known. */
  readonly namedByNext: string | null;
  /** The newest sequence that a copy may come to hold. */
  readonly reach: number;
}

/**
 * What the target is to the source.
 * - `fresh`: without a pointer, and without anything that the source doesn't have.
 * - `ancestor`: its pointer names a version that the source has gone on from.
 * - `level`: its pointer names what the source's names.
 */
export type Relation = "fresh" | "ancestor" | "level";

/**
 * Finds out whether the source's history goes on from the target's, by keys alone: each holds the id
 * of the operation that wrote it. Throws "wrong-node", and "refused" for a target that is ahead, or on
 * another branch, or if neither can be told.
 */
export function relationOf(source: SourceFacts, target: FolderFacts): Relation {
  refuseOtherNode(source, target);
  refuseStrangers(source, target);
  const theirs = target.pointer;
  const ours = source.pointer;
  if (theirs === null) return "fresh";
  if (ours?.version.key === theirs.version.key) {
    if (ours.version.sha256 === theirs.version.sha256) return "level";
    throw refused(`${target.location} says that ${theirs.version.key} has other bytes`, source);
  }
  if (isAncestor(theirs, source)) return "ancestor";
  const newest = `sequence ${theirs.sequence} (${theirs.version.key})`;
  if (ours !== null && isAhead(theirs, ours, target)) {
    throw refused(
      `${target.location} is ahead: it has ${newest}, and the source ends at sequence ${ours.sequence}. To bring the source level, copy the other way round`,
      source,
    );
  }
  if (ours !== null && wasPruned(source.pruned, theirs.sequence, theirs.sequence)) {
    throw refused(
      `the current version of ${target.location}, ${newest}, was pruned from the source, so nothing shows that the source goes on from it. Copy to an empty folder, and prune only after a copy`,
      source,
    );
  }
  throw refused(
    `${target.location} is on another branch: its current version, ${newest}, isn't in the history of the source. Two stores that a mirror writes to each have a history of their own, and need no copy; else look at both (scb-mirror list), and copy to an empty folder`,
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
      `the backups in ${target.location} are of another node: their ${field} is ${theirs}, and in ${source.location} it is ${ours}; nothing was copied: check --to and --node`,
    );
  }
}

/** A version that only the target has must not be newer than what it is about to be told is current. */
function refuseStrangers(source: SourceFacts, { location, pointer, keys }: FolderFacts): void {
  for (const key of keys) {
    if (source.keys.has(key)) continue;
    const sequence = parseVersionKey(key)?.sequence ?? 0;
    if (wasPruned(source.pruned, sequence, sequence)) continue;
    // A race that was lost, or a swap cut short, of a mirror that once wrote there.
    const isAside = pointer !== null && sequence <= pointer.sequence + 1;
    if (isAside && sequence <= source.reach) continue;
    // What its pointer names is told by its relation to the source's.
    if (key === pointer?.version.key) continue;
    throw refused(
      `${location} holds ${key}, which isn't in the source: it is another history, or goes further. Look at both (scb-mirror list), stop a mirror that writes there, or copy to an empty folder`,
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
