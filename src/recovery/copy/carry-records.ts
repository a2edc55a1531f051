import { parseQuarantineKey, quarantineKeys } from "../../repository/layout.ts";
import { readQuarantineReason } from "../../repository/quarantine-record.ts";
import { sha256Hex } from "../../runtime/digest.ts";
import { hasCode } from "../../runtime/error.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import { Slots } from "../../runtime/slots.ts";
import type { ObjectStore, RequestOptions, StoredObject } from "../../store/object-store.ts";
import { type CarryOptions, type CopyProblem, differing } from "./carry-versions.ts";
import type { CopyItem, CopyPlan } from "./copy-plan.ts";
import { bring, mostBytesAtOnce } from "./put-once.ts";

/** Counts what happened to the records or, without writing, what would happen. */
export class RecordTally {
  copied = 0;
  present = 0;
  readonly problems: CopyProblem[] = [];
}

interface Carrying extends CarryOptions {
  readonly plan: CopyPlan;
  readonly tally: RecordTally;
  readonly isWriting: boolean;
}

/** Like `carryVersions`, for refused backups and for records of restores. */
export async function carryRecords(carrying: Carrying): Promise<void> {
  const { records } = carrying.plan;
  const slots = new Slots(mostBytesAtOnce);
  const isReason = ({ object }: CopyItem): boolean => object.key.endsWith(".json");
  // A reason is written after the backup that it explains.
  for (const items of [records.filter((item) => !isReason(item)), records.filter(isReason)]) {
    await inParallel(items, (item) =>
      slots.hold(
        () => carryRecord(carrying, item),
        item.object.sizeBytes + (item.targetSizeBytes ?? 0),
      ),
    );
  }
}

async function carryRecord(
  { tally, ...carrying }: Carrying,
  { object: { key }, targetSizeBytes }: CopyItem,
): Promise<void> {
  const found = await readWhole(carrying.source, key, { signal: carrying.signal });
  if (found === null) return;
  if (found === "damaged") {
    const message = "at the source, its bytes aren't the refused backup's; not copied";
    tally.problems.push({ key, code: "damaged", message });
    return;
  }
  const { bytes, metadata } = found;
  const contentType = key.endsWith(".json") ? "application/json" : "application/octet-stream";
  const isListed = targetSizeBytes !== null;
  const outcome = await bring(key, bytes, { ...carrying, metadata, contentType, isListed });
  if (outcome === "differs") tally.problems.push(differing(key));
  else tally[outcome] += 1;
}

/** Null if it is gone. */
async function readWhole(
  store: ObjectStore,
  key: string,
  options: RequestOptions,
): Promise<StoredObject | "damaged" | null> {
  try {
    const found = await store.get(key, options);
    const held = parseQuarantineKey(key);
    if (found === null || held?.kind !== "backup") return found;
    const reason = await readQuarantineReason(store, quarantineKeys(held.operation).why, options);
    // Without a reason there is nothing to compare with: it may not have been written yet.
    return reason === null || reason.sha256 === sha256Hex(found.bytes) ? found : "damaged";
  } catch (error) {
    if (hasCode(error, "store-too-large")) return "damaged";
    throw error;
  }
}
