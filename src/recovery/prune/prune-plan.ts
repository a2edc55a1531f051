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
 * - `needed`: a restore also needs this older version, for funds that only it brings back.
 * - `pending`: newer than the current one. Its pointer may yet land, however old it is.
 * - `young`: an orphan within the grace period.
 * - `branch`: evidence that someone restored an older pointer: a person has to look at it first.
 * - `damaged`: it doesn't read back as it was saved, so a policy can't count it as a backup.
 * - `unproven`: nothing records what was saved, as after a copy that drops metadata; it may be damaged.
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

/** Why a version that was read back can't be relied on. */
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

/** Both lists are newest first. */
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
  /** When the current version was written, by the store's clock. Milliseconds since 1970. */
  readonly currentStoredAt: number;
  /** The keys of versions that were read back and aren't known to be intact. */
  readonly unsound: ReadonlyMap<string, Unsound>;
}

/**
 * Decides what a policy removes and what it keeps. A pure function.
 *
 * An orphan whose sequence isn't above the current one can never be committed: its pointer is conditional
 * on the etag of a base that is gone, and an etag never comes back. An orphan of the next sequence can,
 * so it stays, whatever its age. The grace period is a second safeguard, in case a person restores old
 * bytes.
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
 * A version that claims to be from the future, if the plan depends on its time: one wrong clock would then
 * decide what counts as old. Null if neither a rule of the policy nor the grace period looks at it.
 * `now`: milliseconds since 1970.
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
