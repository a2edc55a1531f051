import type { Base } from "./base.ts";
import { parseVersionKey, type VersionName } from "./layout.ts";
import type { PrunedRecord } from "./pruned-record.ts";

/**
 * A version's standing relative to the current one.
 * - `lineage`: it is or was current. Versions whose standing can't be determined count as this.
 * - `orphan`: uploaded but never current, because another writer was first or a newer state came.
 * - `branch`: it follows an orphan, so someone restored an older pointer in between. It was current
 *   before that.
 * - `pending`: its sequence is one above the current one: a swap under way, or cut short.
 * - `ahead`: its sequence is higher still, which only a restored older pointer can explain.
 */
export type Standing = "lineage" | "orphan" | "branch" | "pending" | "ahead";

/** The key of the version that a version replaced, from its metadata; null if not known. */
export type PreviousOf = (key: string) => string | null;

/**
 * The versions whose metadata `standings` needs: those that share a sequence, and those at the next
 * sequence. A sequence with one version needs none, because each commit adds one to the sequence.
 */
export function keysToTellApart(versions: readonly VersionName[]): string[] {
  const bySequence = Map.groupBy(versions, ({ sequence }) => sequence);
  return versions
    .filter(
      ({ sequence }) =>
        (bySequence.get(sequence)?.length ?? 0) > 1 ||
        (bySequence.get(sequence - 1)?.length ?? 0) > 1,
    )
    .map(({ key }) => key);
}

/** Where the lineage starts. */
export interface Head {
  /** 0 if nothing was ever committed. */
  readonly sequence: number;
  readonly key: string | null;
  readonly previousKey: string | null;
}

/** The head according to a base; null if the base isn't known. */
export function headOf(current: Base | null): Head | null {
  if (current === null) return null;
  const previous = current.kind === "pointer" ? current.pointer.previous : null;
  return {
    sequence: current.held?.sequence ?? 0,
    key: current.held?.key ?? null,
    previousKey: previous?.key ?? null,
  };
}

export interface StandingsInput {
  readonly versions: readonly VersionName[];
  /**
   * Must be read after the listing, so that what it names is listed. If null, everything counts as
   * lineage.
   */
  readonly head: Head | null;
  readonly previousOf: PreviousOf;
  /** What `prune` recorded about versions whose siblings it removed. */
  readonly pruned: PrunedRecord | null;
}

/** Determines each version's standing. */
export function standings({
  versions,
  head,
  previousOf,
  pruned,
}: StandingsInput): Map<string, Standing> {
  const standing = new Map<string, Standing>();
  if (head === null) {
    for (const { key } of versions) standing.set(key, "lineage");
    return standing;
  }
  const headSequence = head.sequence;
  const named = new Map<number, string>();
  /** The first caller's source is the most reliable. A key of another sequence is ignored. */
  const name = (sequence: number, key: string | null): void => {
    if (key === null || named.has(sequence)) return;
    if (parseVersionKey(key)?.sequence === sequence) named.set(sequence, key);
  };
  name(headSequence, head.key);
  name(headSequence - 1, head.previousKey);

  const recorded = new Set([...(pruned?.orphans ?? []), ...(pruned?.branches ?? [])]);
  const bySequence = Map.groupBy(versions, ({ sequence }) => sequence);
  for (const sequence of [...bySequence.keys()].sort((a, b) => b - a)) {
    const siblings = (bySequence.get(sequence) ?? []).map(({ key }) => key);
    if (sequence > headSequence) {
      const isNext = sequence === headSequence + 1;
      for (const key of siblings) standing.set(key, isNext ? "pending" : "ahead");
      continue;
    }
    const possible = siblings.filter((key) => !recorded.has(key));
    const chosen = named.get(sequence) ?? (possible.length === 1 ? possible[0] : undefined);
    for (const key of siblings) {
      const isLineage = chosen === undefined ? !recorded.has(key) : key === chosen;
      standing.set(key, isLineage ? "lineage" : "orphan");
    }
    if (chosen !== undefined) name(sequence - 1, previousOf(chosen));
  }
  markBranches(standing, previousOf);
  for (const key of pruned?.branches ?? []) {
    if (standing.get(key) === "orphan") standing.set(key, "branch");
  }
  return standing;
}

/** A lost race has its base in the lineage. If the base is an orphan, it was more than a lost race. */
function markBranches(standing: Map<string, Standing>, previousOf: PreviousOf): void {
  const orphans = new Set(
    [...standing].filter(([, value]) => value === "orphan").map(([key]) => key),
  );
  for (const key of orphans) {
    const base = previousOf(key);
    if (base === null || !orphans.has(base)) continue;
    standing.set(key, "branch");
    standing.set(base, "branch");
  }
}
