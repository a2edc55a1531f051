import { parseVersionKey } from "../../repository/layout.ts";
import { wasPruned } from "../../repository/pruned-record.ts";
import { type ReadBytes, readVersion, sha256InPointer } from "../../repository/version.ts";
import { throwIfAborted } from "../../runtime/abort.ts";
import type { Clock } from "../../runtime/clock.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import type { Random } from "../../runtime/random.ts";
import { Slots } from "../../runtime/slots.ts";
import { ChainOfHashes } from "./chain-of-hashes.ts";
import {
  type CopyItem,
  type CopyPlan,
  type CopyStores,
  namedIn,
  prunedOrNull,
} from "./copy-plan.ts";
import { bring, mostBytesAtOnce } from "./put-once.ts";

/**
 * Why the target isn't known to hold a version as it was saved.
 * - `damaged`, `missing`: at the source; it wasn't copied.
 * - `differs`: the target has other bytes under its key, and keeps them.
 * - `unproven`: it was copied, but nothing at the source records what was saved.
 */
export type CopyProblemCode = "damaged" | "missing" | "differs" | "unproven";

export interface CopyProblem {
  readonly key: string;
  readonly code: CopyProblemCode;
  readonly message: string;
}

/** The problem of a key under which the target holds something else. */
export function differing(key: string): CopyProblem {
  const message = "the target has other bytes under this key, and keeps them";
  return { key, code: "differs", message };
}

export interface CarryOptions extends CopyStores {
  readonly clock: Clock;
  readonly random: Random;
  /** Called with how many versions are done, and how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Counts what happened to the versions or, without writing, what would happen. */
export class VersionTally {
  copied = 0;
  present = 0;
  copiedBytes = 0;
  readonly problems = new Map<string, CopyProblem>();
}

interface Carrying extends CarryOptions {
  readonly plan: CopyPlan;
  readonly tally: VersionTally;
  readonly isWriting: boolean;
}

/**
 * Reads each version of the plan at the source, proves it, and adds it to the target or compares it with
 * what is there. If `isWriting` is false, it adds nothing. `tally` keeps what was counted even if this
 * throws.
 */
export async function carryVersions(carrying: Carrying): Promise<void> {
  const { plan, tally, source, signal } = carrying;
  const chain = new ChainOfHashes(plan);
  const gone: string[] = [...plan.lost];
  const slots = new Slots(mostBytesAtOnce);
  let done = 0;

  const carry = async (item: CopyItem): Promise<void> => {
    throwIfAborted(signal);
    const { key, sizeBytes } = item.object;
    const sha256 = sha256InPointer(plan.pointer, key);
    const read = await chain.prove(key, sha256 !== null, () =>
      readVersion(source, { key, sha256, sizeBytes }, { signal }),
    );
    if (read.kind === "missing") gone.push(key);
    else if (read.kind === "damaged") {
      const message = await damageOf(carrying, item, read.savedSha256);
      tally.problems.set(key, { key, code: "damaged", message });
    } else {
      await bringVersion(carrying, item, read);
      if (read.kind === "unproven" && !tally.problems.has(key)) {
        const message = "nothing at the source records what was saved; copied as it is";
        tally.problems.set(key, { key, code: "unproven", message });
      }
    }
    done += 1;
    carrying.onProgress?.(done, plan.versions.length);
  };

  await inParallel(plan.versions, (item) =>
    slots.hold(() => carry(item), item.object.sizeBytes + (item.targetSizeBytes ?? 0)),
  );
  await explainGone(carrying, gone);
}

async function bringVersion(
  { tally, ...carrying }: Carrying,
  { targetSizeBytes }: CopyItem,
  { key, bytes, storedMetadata: metadata }: ReadBytes,
): Promise<void> {
  const contentType = "application/octet-stream";
  const isListed = targetSizeBytes !== null;
  const outcome = await bring(key, bytes, { ...carrying, metadata, contentType, isListed });
  if (outcome === "differs") tally.problems.set(key, differing(key));
  else tally[outcome] += 1;
  if (outcome === "copied") tally.copiedBytes += bytes.length;
}

/** Says also whether the target has an intact copy. */
async function damageOf(
  { target, signal }: Carrying,
  { object: { key }, targetSizeBytes }: CopyItem,
  sha256: string,
): Promise<string> {
  const what = "at the source, its bytes aren't the ones that were saved";
  if (targetSizeBytes === null) return `${what}; not copied`;
  const { kind } = await readVersion(target, { key, sha256 }, { signal });
  return kind === "whole"
    ? `${what}; the target's copy is intact`
    : `${what}; the target's copy isn't known to be intact either`;
}

/** Tells versions that a prune has removed since the listing from versions that were lost. */
async function explainGone(
  { plan, source, tally, signal }: Carrying,
  gone: readonly string[],
): Promise<void> {
  if (gone.length === 0) return;
  const pruned = await prunedOrNull(source, { signal });
  for (const key of gone) {
    const sequence = parseVersionKey(key)?.sequence ?? 0;
    // Losing an orphan does no harm, and prune doesn't record orphans.
    const isPruned = wasPruned(pruned, sequence, sequence) || plan.standing.get(key) === "orphan";
    if (isPruned && !namedIn(plan.pointer).includes(key)) continue;
    const message = "it is gone from the source, and prune didn't remove it";
    tally.problems.set(key, { key, code: "missing", message });
  }
}
