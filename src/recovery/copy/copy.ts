import { originMark } from "../../repository/base.ts";
import { originKey, parseVersionKey, prunedKey } from "../../repository/layout.ts";
import { readPointerOrNull } from "../../repository/pointer.ts";
import {
  inheritPruned,
  type PrunedRecord,
  readPrunedRecord,
} from "../../repository/pruned-record.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { placePointer } from "../place-pointer.ts";
import { carryRecords, RecordTally } from "./carry-records.ts";
import {
  type CarryOptions,
  type CopyProblem,
  carryVersions,
  VersionTally,
} from "./carry-versions.ts";
import type { CopyPlan } from "./copy-plan.ts";
import { putOnce, untilAnswered } from "./put-once.ts";

/** What happened to the target's pointer or, without applying, what would happen. */
export type CopiedPointer =
  /** It names the version that the source's pointer named when the plan was made. */
  | { readonly state: "placed" | "level" }
  /** There is none, because the source's folder or the target doesn't use pointers. */
  | { readonly state: "none"; readonly reason: string }
  | { readonly state: "withheld"; readonly reason: string };

export interface CopyReport {
  readonly versions: {
    readonly total: number;
    readonly copied: number;
    /** Already in the target, byte for byte. */
    readonly present: number;
  };
  /** Of `quarantine/` and `restores/`. */
  readonly records: { readonly copied: number; readonly present: number };
  /** Of the versions that were copied. */
  readonly bytes: number;
  readonly pointer: CopiedPointer;
  /** Sorted by key. */
  readonly problems: readonly CopyProblem[];
  /** The source's sequence if it has moved on since the plan; otherwise null. */
  readonly movedOnTo: number | null;
}

export interface ApplyCopyOptions extends CarryOptions {
  /** Why the target's pointer must not be moved; null if it may be. */
  readonly withoutPointer: string | null;
}

/**
 * Reads everything that `applyCopy` would, and reports what that would do. Changes nothing. Throws what
 * the stores throw.
 */
export async function examineCopy(plan: CopyPlan, options: CarryOptions): Promise<CopyReport> {
  const versions = new VersionTally();
  await carryVersions({ ...options, plan, tally: versions, isWriting: false });
  const records = new RecordTally();
  await carryRecords({ ...options, plan, tally: records, isWriting: false });
  await carryPruned(plan, versions, { ...options, isWriting: false });
  const pointer = pointerAfter(plan, versions, { ...options, withoutPointer: null });
  return reportOf(plan, versions, records, pointer, await movedOnTo(plan, options));
}

/**
 * Adds to the target what it lacks, each object proved and compared. The pointer comes last, on condition
 * that it is still the one that the plan was made from. Overwrites nothing else, and deletes nothing.
 * Running it again is always safe: it continues where it stopped. Throws "superseded" if somebody moved the
 * target's pointer meanwhile, "aborted", and what the stores throw; the message says how far it got.
 */
export async function applyCopy(plan: CopyPlan, options: ApplyCopyOptions): Promise<CopyReport> {
  const versions = new VersionTally();
  const records = new RecordTally();
  try {
    await carryVersions({ ...options, plan, tally: versions, isWriting: true });
    await carryRecords({ ...options, plan, tally: records, isWriting: true });
    await carryPruned(plan, versions, { ...options, isWriting: true });
    await markOrigin(plan, options);
    const pointer = pointerAfter(plan, versions, options);
    const { pointerPlan } = plan;
    if (pointer.state === "placed" && pointerPlan.kind === "place") {
      const { target: store, clock, random, signal } = options;
      const { bytes, condition } = pointerPlan;
      const remedy =
        "run scb-mirror copy again, which compares the two stores anew; a store that a mirror writes to needs no copy";
      const place = (): Promise<void> => placePointer({ store, bytes, condition, remedy, signal });
      // The bytes are the same each time, so a write that landed without an answer is recognised.
      await untilAnswered(place, { clock, random, signal });
    }
    return reportOf(plan, versions, records, pointer, await movedOnTo(plan, options));
  } catch (error) {
    const known = ScbError.from(error);
    throw new ScbError(
      known.code,
      `${known.message} (${versions.copied + versions.present} of ${plan.versions.length} versions are in the target; run the same command again to continue)`,
      { cause: error },
    );
  }
}

/** A pointer must never name a current version that the target isn't known to hold. */
function pointerAfter(
  { pointer, pointerPlan }: CopyPlan,
  { problems }: VersionTally,
  { target, withoutPointer }: ApplyCopyOptions,
): CopiedPointer {
  const { kind } = pointerPlan;
  if (kind === "withheld") return { state: "withheld", reason: pointerPlan.reason };
  if (kind === "none") return { state: "none", reason: "the source has none: it is append-only" };
  if (target.conditions === "none") {
    return { state: "none", reason: "the target doesn't enforce conditional writes" };
  }
  if (withoutPointer !== null) return { state: "withheld", reason: withoutPointer };
  const current = problems.get(pointer?.version.key ?? "");
  const needed = pointer?.alsoRestore?.find(({ key }) => problems.get(key)?.code === "differs");
  const blocking = current ?? problems.get(needed?.key ?? "");
  if (blocking !== undefined && kind === "place") {
    return { state: "withheld", reason: `${blocking.key}: ${blocking.message}` };
  }
  return { state: kind === "level" ? "level" : "placed" };
}

/** Runs after the versions, so that the record also explains what a prune removed meanwhile. */
async function carryPruned(
  { versions, targetOnly, pointerPlan }: CopyPlan,
  { problems }: VersionTally,
  { source, target, clock, random, isWriting, signal }: CarryOptions & { isWriting: boolean },
): Promise<void> {
  let theirs: PrunedRecord | null;
  try {
    theirs = await readPrunedRecord(source, { signal });
  } catch (error) {
    if (!hasCode(error, "decode")) throw error;
    problems.set(prunedKey, {
      key: prunedKey,
      code: "damaged",
      message: "the source's record of pruned versions can't be read; not copied",
    });
    return;
  }
  if (theirs === null || !isWriting) return;
  const copied = versions.map(({ object }) => object.key).filter((key) => !problems.has(key));
  const present = [...copied, ...targetOnly].flatMap((key) => parseVersionKey(key)?.sequence ?? []);
  const conditional = target.conditions === "enforced" && pointerPlan.kind !== "none";
  await inheritPruned(target, theirs, present, { clock, random, conditional, signal });
}

/** Runs before the pointer is placed, so that a folder with a pointer never lacks the mark. */
async function markOrigin(
  { pointerPlan }: CopyPlan,
  { source, target, clock, random, signal }: CarryOptions,
): Promise<void> {
  if (pointerPlan.kind === "none" || (await target.head(originKey, { signal })) !== null) return;
  const bytes = (await source.get(originKey, { signal }))?.bytes ?? originMark(clock.now());
  const contentType = "application/json";
  // If another mark is there already, it says the same.
  await putOnce(originKey, bytes, { target, metadata: {}, contentType, clock, random, signal });
}

async function movedOnTo(
  { pointer }: CopyPlan,
  { source, signal }: CarryOptions,
): Promise<number | null> {
  if (pointer === null) return null;
  const now = await readPointerOrNull(source, { signal });
  return now !== null && now.sequence > pointer.sequence ? now.sequence : null;
}

function reportOf(
  plan: CopyPlan,
  { copied, present, copiedBytes, problems }: VersionTally,
  records: RecordTally,
  pointer: CopiedPointer,
  moved: number | null,
): CopyReport {
  const all = [...problems.values(), ...records.problems];
  return {
    versions: { total: plan.versions.length, copied, present },
    records: { copied: records.copied, present: records.present },
    bytes: copiedBytes,
    pointer,
    problems: all.sort((a, b) => (a.key < b.key ? -1 : 1)),
    movedOnTo: moved,
  };
}
