/**
 * How many versions to keep, counted as restic's `forget` does. A version stays if any rule keeps it.
 * Days, weeks (ISO 8601) and months are in UTC.
 */
export interface RetentionPolicy {
  readonly keepLast: number;
  /** The newest version of each of the last N days that have one. */
  readonly keepDaily: number;
  readonly keepWeekly: number;
  readonly keepMonthly: number;
  /** All versions saved within this time before the newest one. Milliseconds; 0 for no such rule. */
  readonly keepWithinMs: number;
}

export const retentionReasons = ["last", "within", "daily", "weekly", "monthly"] as const;
export type RetentionReason = (typeof retentionReasons)[number];

/** A version as a policy sees it. */
export interface RetainedVersion {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

const dayMs = 86_400_000;

/** Maps all versions of one bucket to the same number. */
const bucketOf: Readonly<
  Record<Exclude<RetentionReason, "within">, (savedAt: number, index: number) => number>
> = {
  last: (_, index) => index,
  daily: (savedAt) => Math.floor(savedAt / dayMs),
  // 1970 began on a Thursday; an ISO 8601 week begins on a Monday.
  weekly: (savedAt) => Math.floor((Math.floor(savedAt / dayMs) + 3) / 7),
  monthly: (savedAt) => {
    const date = new Date(savedAt);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  },
};

export function isEmptyPolicy(policy: RetentionPolicy): boolean {
  return Object.values(policy).every((value) => value === 0);
}

/** Whether any rule depends on when versions were saved, not only on their order. */
export function isPolicyByTime({ keepLast: _, ...byTime }: RetentionPolicy): boolean {
  return Object.values(byTime).some((value) => value > 0);
}

/**
 * Which of `versions`, given newest first, the policy keeps, and why. As in restic, a rule with counts left
 * also keeps the oldest version, so that a young history isn't cut short. Times need not be in order: a
 * writer's clock may have jumped. Source: restic, `ApplyPolicy`.
 */
export function keptByPolicy(
  policy: RetentionPolicy,
  versions: readonly RetainedVersion[],
): Map<string, RetentionReason[]> {
  const kept = new Map<string, RetentionReason[]>();
  const keep = (key: string, reason: RetentionReason): void => {
    kept.set(key, [...(kept.get(key) ?? []), reason]);
  };
  const newestAt = versions[0]?.savedAt ?? 0;
  for (const { key, savedAt } of versions) {
    if (policy.keepWithinMs > 0 && newestAt - savedAt < policy.keepWithinMs) keep(key, "within");
  }
  const counts = {
    last: policy.keepLast,
    daily: policy.keepDaily,
    weekly: policy.keepWeekly,
    monthly: policy.keepMonthly,
  };
  for (const reason of ["last", "daily", "weekly", "monthly"] as const) {
    const seen = new Set<number>();
    let left = counts[reason];
    versions.forEach(({ key, savedAt }, index) => {
      const bucket = bucketOf[reason](savedAt, index);
      const isOldest = index === versions.length - 1;
      if (left === 0 || (seen.has(bucket) && !isOldest)) return;
      seen.add(bucket);
      left -= 1;
      keep(key, reason);
    });
  }
  return kept;
}
