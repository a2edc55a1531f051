import { newCandidate } from "../mirror/candidate.ts";
import type { HeldBackups } from "../mirror/held-backups.ts";
import type { StateSwapper } from "../mirror/state-swapper.ts";
import type { HeldVersion } from "../repository/base.ts";
import { isInFuture } from "../repository/times.ts";
import { type ReadBytes, readVersion } from "../repository/version.ts";
import { storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** Another of the node's stores, and what it was last seen to hold. */
export interface LevelSource {
  readonly name: string;
  /** The node's folder in it. */
  readonly store: ObjectStore;
  readonly held: HeldVersion;
}

export interface LevelOptions {
  readonly swapper: StateSwapper;
  readonly heldBackups: HeldBackups;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/**
 * Orders sources by when their current version was saved, newest first. Drops those whose time is in the
 * future.
 */
export function newestFirst(sources: readonly LevelSource[], now: number): readonly LevelSource[] {
  return sources
    .filter(({ held }) => !isInFuture(held.savedAt, now))
    .sort((a, b) => b.held.savedAt - a.held.savedAt);
}

/**
 * The versions that a restore from `source` would need: first the older ones for funds in limbo, then the
 * current one. Leaves out versions that aren't whole there. Throws what the store throws.
 */
export async function readSource(
  { store, held }: LevelSource,
  signal: AbortSignal,
): Promise<readonly ReadBytes[]> {
  const older = [...held.alsoRestore].sort((a, b) => (a.key < b.key ? -1 : 1));
  const whole: ReadBytes[] = [];
  for (const wanted of [...older, { key: held.key, sha256: held.sha256 }]) {
    const reading = await readVersion(store, wanted, { signal });
    if (reading.kind === "whole") whole.push(reading);
  }
  return whole;
}

/**
 * Saves versions from another store into an empty folder. Each is a swap of its own, so the folder's
 * history starts with them. Throws what a swap throws.
 */
export async function levelStore(
  versions: readonly ReadBytes[],
  { swapper, heldBackups, clock, random, signal }: LevelOptions,
): Promise<void> {
  for (const { bytes, sha256 } of versions) {
    // A backup of another node is never copied, whatever the source does with it.
    if ((await heldBackups.opens(bytes, signal)) === false) continue;
    const known = heldBackups.knownContents(sha256);
    const candidate = newCandidate(bytes, known, known?.by ?? null);
    const operation = await swapper.begin(await swapper.base(signal), candidate, signal);
    await retry(() => swapper.advance(operation, signal), {
      canPass: (error) => hasCode(error, "store-busy", "store-unknown"),
      backoff: storeBackoff,
      clock,
      random,
      signal,
    });
  }
}
