import * as z from "zod";
import { storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";
import type { ObjectStore, PutCondition, RequestOptions } from "../store/object-store.ts";
import { prunedKey } from "./layout.ts";
import { newOperationId } from "./operation-id.ts";
import { lineText, RecordFormat } from "./record.ts";

const schemaVersion = 1;
const maxTries = 5;

const sequence = z.int().min(1);
const recordSchema = z.looseObject({
  schema: z.literal(schemaVersion),
  /** Closed ranges of sequences, sorted and disjoint. */
  removed: z.array(z.tuple([sequence, sequence])),
  /**
   * Keys of remaining versions that are known not to be in the lineage. Once their siblings are removed,
   * only this record can tell.
   */
  orphans: z.array(lineText(256)),
  branches: z.array(lineText(256)),
  /** A ULID of this write, so that the bytes are unique and an etag never recurs. */
  operation: lineText(64),
  at: z.iso.datetime(),
});

export type PrunedRecord = z.infer<typeof recordSchema>;

const format = new RecordFormat({
  name: "the record of what prune removed",
  schema: recordSchema,
  compact: true,
});

/**
 * Reads which sequences were pruned; null if there is no record. Throws "decode" if the record can't be
 * read.
 */
export async function readPrunedRecord(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<PrunedRecord | null> {
  return (await format.read(store, prunedKey, options))?.value ?? null;
}

/** What prune is about to remove, and what it leaves beside that. */
export type PrunedFacts = Pick<PrunedRecord, "orphans" | "branches"> & {
  readonly sequences: readonly number[];
};

export interface RecordPrunedOptions extends RequestOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** False for a store without conditional writes. */
  readonly conditional: boolean;
}

/**
 * Adds sequences to the record. Resolves once they are known to be in it, even with concurrent writers.
 * Throws what the store throws, after a few tries.
 */
export function recordPruned(
  store: ObjectStore,
  { sequences, orphans, branches }: PrunedFacts,
  options: RecordPrunedOptions,
): Promise<void> {
  const added = sequences.map((one): Range => [one, one]);
  return change(store, options, (before) => {
    if (sequences.every((one) => wasPruned(before, one, one))) return null;
    return { removed: mergedRanges(before?.removed ?? [], added), orphans, branches };
  });
}

/**
 * Adds what another folder's record knows; this folder is a copy of that one. `present` lists the
 * sequences of versions that exist here, so they count as not removed. Otherwise as `recordPruned`.
 */
export function inheritPruned(
  store: ObjectStore,
  theirs: PrunedRecord,
  present: Iterable<number>,
  options: RecordPrunedOptions,
): Promise<void> {
  const added = without(theirs.removed, present);
  return change(store, options, (before) => {
    const removed = mergedRanges(before?.removed ?? [], added);
    const orphans = [...new Set([...(before?.orphans ?? []), ...theirs.orphans])];
    const branches = [...new Set([...(before?.branches ?? []), ...theirs.branches])];
    const isKnown =
      before !== null &&
      removed.every(([first, last]) => wasPruned(before, first, last)) &&
      orphans.length === before.orphans.length &&
      branches.length === before.branches.length;
    return isKnown ? null : { removed, orphans, branches };
  });
}

/** Writes the record that `changed` returns, unless that is null. */
async function change(
  store: ObjectStore,
  { clock, random, conditional, signal }: RecordPrunedOptions,
  changed: (
    before: PrunedRecord | null,
  ) => Pick<PrunedRecord, "removed" | "orphans" | "branches"> | null,
): Promise<void> {
  const write = async (): Promise<void> => {
    const read = await format.read(store, prunedKey, { signal });
    const facts = changed(read?.value ?? null);
    if (facts === null) return;
    const record: PrunedRecord = {
      schema: schemaVersion,
      ...facts,
      operation: newOperationId(clock, random),
      at: new Date(clock.now()).toISOString(),
    };
    const condition: PutCondition =
      read === null ? { kind: "absent" } : { kind: "match", etag: read.object.etag };
    await store.put(prunedKey, format.encode(record), {
      contentType: "application/json",
      signal,
      ...(conditional ? { condition } : {}),
    });
  };
  const canPass = (error: ScbError): boolean =>
    hasCode(error, "store-precondition", "store-busy", "store-unknown");
  await retry(write, { canPass, backoff: storeBackoff, maxTries, clock, random, signal });
}

/** Whether every sequence from `first` to `last` was pruned. */
export function wasPruned(record: PrunedRecord | null, first: number, last: number): boolean {
  return record?.removed.some(([from, to]) => from <= first && last <= to) ?? false;
}

type Range = readonly [from: number, to: number];

function mergedRanges(ranges: readonly Range[], added: readonly Range[]): [number, number][] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges, ...added].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** The ranges without these sequences. */
function without(ranges: readonly Range[], sequences: Iterable<number>): Range[] {
  const sorted = [...new Set(sequences)].sort((a, b) => a - b);
  const left: Range[] = [];
  let at = 0;
  for (const [from, to] of mergedRanges(ranges, [])) {
    let next = from;
    for (; (sorted[at] ?? Infinity) <= to; at += 1) {
      const one = sorted[at] ?? Infinity;
      if (one < next) continue;
      if (one > next) left.push([next, one - 1]);
      next = one + 1;
    }
    if (next <= to) left.push([next, to]);
  }
  return left;
}
