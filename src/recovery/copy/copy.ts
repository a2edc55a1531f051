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

/** What has become of the target's pointer; without applying: what would become of it. */
export type CopiedPointer =
  /** It names what the source's named when the plan was made. */
  | { readonly state: "placed" | "level" }
  /** There is none, by the nature of the source's folder or of the target. */
  | { readonly state: "none"; readonly reason: string }
  | { readonly state: "withheld"; readonly reason: string };

export interface CopyReport {
  readonly versions: {
    readonly total: number;
    readonly copied: number;
    /** In the target already, byte for byte. */
    readonly present: number;
  };
  /** Of `quarantine/` and `restores/`. */
  readonly records: { readonly copied: number; readonly present: number };
  /** Of the versions that were copied. */
  readonly bytes: number;
  readonly pointer: CopiedPointer;
  /** By key. */
  readonly problems: readonly CopyProblem[];
  /** The sequence that the source has come to meanwhile; null if it is what was planned. */
  readonly movedOnTo: number | null;
}

export interface ApplyCopyOptions extends CarryOptions {
  /** Why the target's pointer must not be moved; null if its conditions were found to hold. */
  readonly withoutPointer: string | null;
}

/**
 * Reads all that `applyCopy` would, and says what it would come to; changes nothing. Throws what the
 * stores throw.
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
 * Adds to the target what it lacks, each object proved and compared, and the pointer last: with the
 * condition that it is still what the plan was made from. Writes over nothing else, and deletes nothing.
 * To run it again is always safe: it goes on where it was cut short. Throws "superseded" if somebody
 * moved the target's pointer meanwhile, "aborted", and what the stores throw; the message says how far
 * it came.
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
        "run scb-mirror copy again, which says how the two stand to each other by now; a mirror that writes there needs no copy";
      const place = (): Promise<void> => placePointer({ store, bytes, condition, remedy, signal });
      // Its bytes are the same each time, so one that has landed unheard is found.
      await untilAnswered(place, { clock, random, signal });
    }
    return reportOf(plan, versions, records, pointer, await movedOnTo(plan, options));
  } catch (error) {
    const known = ScbError.from(error);
    throw new ScbError(
      known.code,
      `${known.message} (${versions.copied + versions.present} of ${plan.versions.length} versions are in the target; the same command goes on from there)`,
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
  if (kind === "none")
    return { state: "none", reason: "the source has none: it is only ever added to" };
  if (target.conditions === "none") {
    return { state: "none", reason: "the target enforces no conditional writes" };
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

/** After the versions, so that what a prune removes meanwhile is explained too. */
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
      message: "the record of what was pruned can't be read at the source; not copied",
    });
    return;
  }
  if (theirs === null || !isWriting) return;
  const copied = versions.map(({ object }) => object.key).filter((key) => !problems.has(key));
  const present = [...copied, ...targetOnly].flatMap((key) => parseVersionKey(key)?.sequence ?? []);
  const conditional = target.conditions === "enforced" && pointerPlan.kind !== "none";
  await inheritPruned(target, theirs, present, { clock, random, conditional, signal });
}

/** Before the pointer: a folder that has one never lacks the mark. */
async function markOrigin(
  { pointerPlan }: CopyPlan,
  { source, target, clock, random, signal }: CarryOptions,
): Promise<void> {
  if (pointerPlan.kind === "none" || (await target.head(originKey, { signal })) !== null) return;
  const bytes = (await source.get(originKey, { signal }))?.bytes ?? originMark(clock.now());
  const contentType = "application/json";
  // Another mark than ours says the same.
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
