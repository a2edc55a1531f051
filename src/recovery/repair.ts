import { savedAtOf } from "../repository/history.ts";
import { latestKey } from "../repository/layout.ts";
import { newOperationId } from "../repository/operation-id.ts";
import { alsoRestoreFields, encodePointer, type Pointer } from "../repository/pointer.ts";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, PutCondition, RequestOptions } from "../store/object-store.ts";
import { placePointer } from "./place-pointer.ts";
import type { Candidate, RepairPlan } from "./repair-plan.ts";

export interface ApplyRepairOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** The name of that folder. */
  readonly node: string;
  /** Who commits, for people. */
  readonly writer: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Writes the pointer that `plan` worked out, on condition that the existing one is still what the plan was
 * made from, and resolves once it is known to be there. Writes nothing else. Throws "superseded" if the
 * pointer has changed since, and what the store throws.
 */
export async function applyRepair(
  plan: RepairPlan,
  target: Candidate,
  { store, node, writer, clock, random, signal }: ApplyRepairOptions,
): Promise<Pointer> {
  const pointer = repairedPointer(plan, target, { node, writer, clock, random });
  await placePointer({
    store,
    bytes: encodePointer(pointer),
    condition: conditionFor(plan),
    remedy: "run scb-mirror repair again to see whether anything is still wrong",
    signal,
  });
  return pointer;
}

/** Conditional on the pointer that the plan was made from: whoever wrote since then knows more. */
function conditionFor({ folder: { current, damagedPointer } }: RepairPlan): PutCondition {
  const etag = current?.kind === "pointer" ? current.etag : damagedPointer?.etag;
  if (etag === null) {
    throw new ScbError(
      "pointer-damaged",
      `the object in the pointer's place is too large to read, so it can't be replaced with a conditional write; nothing was changed: keep a copy of ${latestKey}, delete it, and run scb-mirror repair again`,
    );
  }
  return etag === undefined ? { kind: "absent" } : { kind: "match", etag };
}

/**
 * A pointer that running mirrors accept. If an operation of theirs is in doubt, the mirror finds it listed
 * if its version is in the lineage, and otherwise takes a new snapshot. The time is the version's own.
 */
function repairedPointer(
  { folder, operations, alsoRestore }: RepairPlan,
  target: Candidate,
  { node, writer, clock, random }: Omit<ApplyRepairOptions, "store">,
): Pointer {
  const operation = newOperationId(clock, random);
  const held = folder.current?.kind === "pointer" ? folder.current.pointer.node : null;
  const pubkey = /^0[23][0-9a-f]{64}$/.test(node) ? node : null;
  return {
    ...alsoRestoreFields(alsoRestore),
    sequence: target.sequence,
    version: { key: target.key, size: target.sizeBytes, sha256: target.sha256 },
    previous: target.metadata?.previous ?? null,
    committedAt: new Date(savedAtOf(target)).toISOString(),
    writer,
    operation,
    recentOperations: [...operations, operation],
    node: held ?? { pubkey, network: null },
    verifiedBy: target.openedBy,
    channels: null,
    channelPointsSha256: null,
  };
}
