import type { Base } from "../../repository/base.ts";
import { type StoredVersion, savedAtOf } from "../../repository/history.ts";
import { headOf, type Standing, type StandingsInput, standings } from "../../repository/lineage.ts";
import { isInFuture } from "../../repository/times.ts";
import {
  isPolicyByTime,
  keptByPolicy,
  type RetentionPolicy,
  type RetentionReason,
} from "./retention-policy.ts";

/**
 * Why a version stays, whatever the policy says.
 * - `current`, `previous`: the pointer names it.
 * - `needed`: a restore needs it besides the current one, for funds that only it brings back.
 * - `pending`: newer than the current one. Its pointer may yet land, however old it is.
 * - `young`: an orphan within the grace.
 * - `branch`: the trace of a pointer that was put back: a person has to look at it first.
 * - `damaged`: it does not read back as it was saved, so it is no backup that a policy could count.
 * - `unproven`: nothing says what was saved, as after a copy that drops metadata; it may be damaged.
 */
export type KeepReason =
  | RetentionReason
  | "current"
  | "previous"
  | "needed"
  | "pending"
  | "young"
  | "branch"
  | Unsound;

/** Why a version that was read back cannot be counted on. */
export type Unsound = "damaged" | "unproven";

export interface KeptVersion {
  readonly version: StoredVersion;
  readonly reasons: readonly KeepReason[];
}

export interface RemovedVersion {
  readonly version: StoredVersion;
  /** It never became current. */
  readonly orphan: boolean;
}

/** Newest first, both. */
export interface PrunePlan {
  readonly standing: ReadonlyMap<string, Standing>;
  readonly keep: readonly KeptVersion[];
  readonly remove: readonly RemovedVersion[];
}

export interface PrunePlanInput extends Omit<StandingsInput, "head"> {
  readonly policy: RetentionPolicy;
  /** How much older than the pointer an orphan must be, both by the store's clock. Milliseconds. */
  readonly graceMs: number;
  /** As listed, oldest first. */
  readonly versions: readonly StoredVersion[];
  readonly current: Base;
  /** When what is current was written, by the store's clock. Milliseconds since 1970. */
  readonly currentStoredAt: number;
  /** The keys of versions that were read back and are not known to be whole. */
  readonly unsound: ReadonlyMap<string, Unsound>;
}

/**
 * What a policy removes and what it keeps, from what is known of a store, and nothing else.
 *
 * An orphan whose sequence is not above the current one can never be committed: its pointer is sent
 * with the etag of a base that is gone, and an etag never comes back. One of the next sequence can,
 * so it stays, whatever its age. The grace is a second belt, for a person who puts old bytes back.
 */
export function planPrune(input: PrunePlanInput): PrunePlan {
  const { policy, graceMs, current, currentStoredAt, unsound } = input;
  const standing = standings({ ...input, head: headOf(current) });
  const newestFirst = input.versions.toReversed();
  const previousKey = current.kind === "pointer" ? current.pointer.previous?.key : undefined;
  const needed = new Set(current.held?.alsoRestore.map(({ key }) => key));
  const counted = newestFirst.filter(
    ({ key }) => standing.get(key) === "lineage" && !unsound.has(key),
  );
  const byPolicy = keptByPolicy(
    policy,
    counted.map((version) => ({ key: version.key, savedAt: savedAtOf(version) })),
  );

  const keep: KeptVersion[] = [];
  const remove: RemovedVersion[] = [];
  for (const version of newestFirst) {
    const { key } = version;
    const reasons: KeepReason[] = [];
    if (key === current.held?.key) reasons.push("current");
    if (key === previousKey) reasons.push("previous");
    if (needed.has(key)) reasons.push("needed");
    reasons.push(...(byPolicy.get(key) ?? []));
    const flaw = unsound.get(key);
    if (flaw !== undefined) reasons.push(flaw);
    const its = standing.get(key);
    if (its === "pending" || its === "ahead") reasons.push("pending");
    if (its === "branch") reasons.push("branch");
    const isYoung = currentStoredAt - version.storedAt < graceMs;
    if (its === "orphan" && isYoung) reasons.push("young");
    if (reasons.length > 0) keep.push({ version, reasons });
    else remove.push({ version, orphan: its === "orphan" });
  }
  return { standing, keep, remove };
}

/**
 * A version whose time can't be, if the plan goes by it: the newest time of all others would rest on
 * one clock that was wrong. Null if no rule of the policy, and no grace, looks at it. `now`:
 * milliseconds since 1970.
 */
export function decidedByFuture(
  { standing, remove }: PrunePlan,
  { policy, versions, current, currentStoredAt, unsound }: PrunePlanInput,
  now: number,
): string | null {
  if (remove.length === 0) return null;
  const isByTime = isPolicyByTime(policy);
  const decides = versions.find(
    (version) =>
      isByTime &&
      standing.get(version.key) === "lineage" &&
      !unsound.has(version.key) &&
      isInFuture(savedAtOf(version), now),
  );
  if (decides !== undefined) return decides.key;
  const isGraceWrong = isInFuture(currentStoredAt, now) && remove.some(({ orphan }) => orphan);
  return isGraceWrong ? (current.held?.key ?? null) : null;
}
