/**
 * How many versions to keep, as restic's `forget` counts them. A version stays if any rule keeps it.
 * Days, weeks (ISO 8601) and months are those of UTC.
 */
export interface RetentionPolicy {
  readonly keepLast: number;
  /** The newest version of each of the last so many days that have one. */
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

/** Each gives one number for all the versions of one bucket. */
const bucketOf: Readonly<
  Record<Exclude<RetentionReason, "within">, (savedAt: number, index: number) => number>
> = {
  last: (_, index) => index,
  daily: (savedAt) => Math.floor(savedAt / dayMs),
  // 1970 began on a Thursday, and a week of ISO 8601 begins on a Monday.
  weekly: (savedAt) => Math.floor((Math.floor(savedAt / dayMs) + 3) / 7),
  monthly: (savedAt) => {
    const date = new Date(savedAt);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  },
};

export function isEmptyPolicy(policy: RetentionPolicy): boolean {
  return Object.values(policy).every((value) => value === 0);
}

/** Whether any rule looks at when versions were saved, and not only at their order. */
export function isPolicyByTime({ keepLast: _, ...byTime }: RetentionPolicy): boolean {
  return Object.values(byTime).some((value) => value > 0);
}

/**
 * Which of `versions`, given newest first, the policy keeps, and why. As with restic the oldest one
 * counts for a rule that has counts left, so that a young history is not cut short. Times need not be
 * in order: a writer's clock may have jumped. Source: restic, `ApplyPolicy`.
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
