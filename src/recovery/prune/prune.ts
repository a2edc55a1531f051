import type { AlsoRestore } from "../../repository/also-restore.ts";
import type { Base } from "../../repository/base.ts";
import { readCurrent } from "../../repository/history.ts";
import { readFolder } from "../../repository/history-folder.ts";
import { headOf, keysToTellApart, type Standing, standings } from "../../repository/lineage.ts";
import { readPrunedRecord, recordPruned } from "../../repository/pruned-record.ts";
import { readVersion, sha256InPointer } from "../../repository/version.ts";
import { metadataOf, readVersionMetadata } from "../../repository/version-metadata.ts";
import { throwIfAborted } from "../../runtime/abort.ts";
import { storeBackoff } from "../../runtime/backoff.ts";
import type { Clock } from "../../runtime/clock.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import type { Random } from "../../runtime/random.ts";
import { retry } from "../../runtime/retry.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";
import { goneMirrors } from "./gone-mirrors.ts";
import {
  decidedByFuture,
  type PrunePlan,
  planPrune,
  type RemovedVersion,
  type Unsound,
} from "./prune-plan.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

const defaultBatchSize = 500;
const maxTries = 4;

export interface PruneOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly policy: RetentionPolicy;
  /** How much older than the pointer an orphan must be to be removed. Milliseconds. */
  readonly graceMs: number;
  /** How many versions to remove before the pointer is read again. Default 500. */
  readonly batchSize?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Called with how many versions were read back or removed, and how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface PreparedPrune {
  readonly plan: PrunePlan;
  /** What was current when the plan was made. */
  readonly current: Base;
  /** Keys of attestations of mirrors that are long gone. */
  readonly goneMirrors: readonly string[];
}

/**
 * Reads the store and makes a plan; changes nothing. Every version that the plan relies on was read back
 * intact. Throws "pointer-lost", "pointer-damaged", "version-damaged" and "refused" if the history has to
 * be repaired first, "not-found" if there is none, and what the store throws.
 */
export async function preparePrune(options: PruneOptions): Promise<PreparedPrune> {
  const { store, policy, graceMs, clock, signal } = options;
  const { versions, current, pointerError } = await readFolder(store, { signal });
  if (pointerError !== null) throw pointerError;
  const held = current?.held ?? null;
  if (current === null || held === null) {
    throw new ScbError("not-found", `there is no backup in ${store.location} yet`);
  }
  const pruned = await readPrunedRecord(store, { signal });

  const previous = new Map<string, string | null>();
  await inParallel(keysToTellApart(versions), async (key) => {
    const metadata = readVersionMetadata(await metadataOf(store, key, { signal }));
    previous.set(key, metadata?.previous?.key ?? null);
  });
  const previousOf = (key: string): string | null => previous.get(key) ?? null;
  const known = { versions, current, previousOf, pruned };
  const ahead = [...standings({ ...known, head: headOf(current) })].find(
    ([, is]) => is === "ahead",
  );
  if (ahead !== undefined) {
    throw new ScbError(
      "refused",
      `${store.location} holds ${ahead[0]}, which the pointer (sequence ${held.sequence}) can't explain: someone restored an older pointer; nothing was removed: run scb-mirror verify, then scb-mirror repair`,
    );
  }

  const unsound = new Map<string, Unsound>();
  const readBack = new Set<string>();
  for (;;) {
    const input = { ...known, policy, graceMs, currentStoredAt: held.savedAt, unsound };
    const plan = planPrune(input);
    // A policy may only rely on intact versions. Those that it keeps in place of others are read back too.
    const named = [held, ...held.alsoRestore].map(({ key }) => key);
    const relied = new Set([...named, ...plan.keep.map(({ version }) => version.key)]);
    const unread = [...relied].filter((key) => !readBack.has(key));
    if (unread.length === 0) {
      refuseFuture(store, decidedByFuture(plan, input, clock.now()));
      return { plan, current, goneMirrors: await goneMirrors(store, { signal }) };
    }
    await inParallel(unread, async (key) => {
      const flaw = await flawOf(store, current, key, { signal });
      if (flaw !== null) unsound.set(key, flaw);
      readBack.add(key);
      options.onProgress?.(readBack.size, relied.size);
    });
    if (unsound.has(held.key)) {
      throw new ScbError(
        "version-damaged",
        `${store.location}/${held.key}, the current version, doesn't read back as it was saved; nothing was removed: run scb-mirror verify, then scb-mirror repair`,
      );
    }
    const lost = held.alsoRestore.find(({ key }) => unsound.has(key));
    if (lost !== undefined) {
      throw new ScbError(
        "version-damaged",
        `${store.location}/${lost.key}, which a restore needs for ${fundsOf(lost)}, is missing or doesn't read back as it was saved, and another version may have to take its place; nothing was removed: start scb-mirror run, which looks for one`,
      );
    }
  }
}

function refuseFuture(store: ObjectStore, key: string | null): void {
  if (key === null) return;
  throw new ScbError(
    "refused",
    `${store.location}/${key} claims to be from the future, so a clock is or was wrong, and it isn't known which versions are old; nothing was removed: correct this machine's clock, or use --keep-last alone, which goes by the order of versions and not by their times`,
  );
}

export interface PruneOutcome {
  readonly removed: ReadonlySet<string>;
  /** The versions that the store refused to remove, and why. */
  readonly failed: ReadonlyMap<string, ScbError>;
  /** The same for attestations of mirrors that are long gone. */
  readonly mirrors: {
    readonly removed: ReadonlySet<string>;
    readonly failed: ReadonlyMap<string, ScbError>;
  };
}

/**
 * Removes what was planned in batches: orphans first, then from the oldest on. Before each batch it reads
 * the pointer again and adds the batch to the record of pruned versions. If the store refuses to remove a
 * version, that is reported and the others are still removed; if it refuses the whole first batch, nothing
 * else is tried. Throws "refused" if the pointer moved in a way that the plan didn't foresee, "aborted",
 * and what the store throws; the message says how far it got. Running it again is always safe.
 */
export async function applyPrune(
  options: PruneOptions,
  { plan, current, goneMirrors: gone }: PreparedPrune,
): Promise<PruneOutcome> {
  const { store, clock, random, signal, batchSize = defaultBatchSize } = options;
  const removed = new Set<string>();
  const failed = new Map<string, ScbError>();
  const ordered = [
    ...plan.remove.filter(({ orphan }) => orphan),
    ...plan.remove.filter(({ orphan }) => !orphan).toReversed(),
  ];
  try {
    for (let start = 0; start < ordered.length; start += batchSize) {
      const batch = ordered.slice(start, start + batchSize);
      throwIfAborted(signal);
      await checkPointer(store, current, ordered.slice(start), signal);
      const sequences = batch.flatMap(({ version, orphan }) => (orphan ? [] : [version.sequence]));
      await recordPruned(
        store,
        {
          sequences,
          orphans: leftOf(plan, removed, "orphan"),
          branches: leftOf(plan, removed, "branch"),
        },
        {
          clock,
          random,
          conditional: current.kind === "pointer" && store.conditions === "enforced",
          signal,
        },
      );
      await inParallel(
        batch.map(({ version }) => version.key),
        async (key) => {
          throwIfAborted(signal);
          const failure = await deleteObject(options, key);
          if (failure === null) removed.add(key);
          else failed.set(key, failure);
          options.onProgress?.(removed.size + failed.size, ordered.length);
        },
      );
      if (removed.size === 0 && failed.size === batch.length) break;
    }
  } catch (error) {
    const known = ScbError.from(error);
    throw new ScbError(
      known.code,
      `${known.message} (${removed.size} of ${ordered.length} versions were removed; run the same command again to continue)`,
      { cause: error },
    );
  }
  const mirrors = { removed: new Set<string>(), failed: new Map<string, ScbError>() };
  await inParallel(gone, async (key) => {
    throwIfAborted(signal);
    const failure = await deleteObject(options, key);
    if (failure === null) mirrors.removed.add(key);
    else mirrors.failed.set(key, failure);
  });
  return { removed, failed, mirrors };
}

/** A version counts as left until it is gone, because the store may refuse to remove it. */
function leftOf(plan: PrunePlan, removed: ReadonlySet<string>, wanted: Standing): string[] {
  return [...plan.keep, ...plan.remove]
    .map(({ version }) => version.key)
    .filter((key) => plan.standing.get(key) === wanted && !removed.has(key));
}

/** Throws "refused" unless the pointer has only moved forward, and names nothing that is to be removed. */
async function checkPointer(
  store: ObjectStore,
  planned: Base,
  remaining: readonly RemovedVersion[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const now = await readCurrent(store, { signal });
  const before = planned.held;
  const named = [now.held?.key, now.kind === "pointer" ? now.pointer.previous?.key : undefined];
  const needed = now.held?.alsoRestore.find(({ key }) =>
    remaining.some(({ version }) => version.key === key),
  );
  const hasGoneOn =
    now.kind === planned.kind &&
    now.held !== null &&
    before !== null &&
    (now.held.sequence > before.sequence || now.held.key === before.key);
  if (hasGoneOn && needed !== undefined) {
    throw new ScbError(
      "refused",
      `a mirror of ${store.location} now needs ${needed.key} for ${fundsOf(needed)}; nothing more was removed: run scb-mirror prune again for a new plan`,
    );
  }
  if (hasGoneOn && !remaining.some(({ version }) => named.includes(version.key))) return;
  throw new ScbError(
    "refused",
    `someone replaced the pointer of ${store.location} while versions were removed; nothing more was removed: check scb-mirror list and scb-mirror verify before you prune again`,
  );
}

function fundsOf({ channelPoints }: AlsoRestore): string {
  const which = channelPoints.length === 0 ? "channels that have closed" : channelPoints.join(", ");
  return `the funds of ${which}`;
}

/** Null once it is gone; the error if the store refuses. Throws if the store can't be reached. */
async function deleteObject(
  { store, clock, random, signal }: PruneOptions,
  key: string,
): Promise<ScbError | null> {
  try {
    await retry(() => store.delete(key, { signal }), {
      canPass: (error) => hasCode(error, "store-busy", "store-unknown"),
      backoff: storeBackoff,
      maxTries,
      clock,
      random,
      signal,
    });
    return null;
  } catch (error) {
    if (hasCode(error, "store-denied", "store-rejected")) return error;
    throw error;
  }
}

/** Reads a version back. Null if its bytes are those that were saved. */
async function flawOf(
  store: ObjectStore,
  current: Base,
  key: string,
  options: RequestOptions,
): Promise<Unsound | null> {
  const sha256 = sha256InPointer(current.kind === "pointer" ? current.pointer : null, key);
  const { kind } = await readVersion(store, { key, sha256 }, options);
  if (kind === "whole") return null;
  return kind === "unproven" ? "unproven" : "damaged";
}
