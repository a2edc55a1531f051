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

/** Another store of the node, and what it was seen to hold. */
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

/** The one whose current version was saved last first, by times that can be right. */
export function newestFirst(sources: readonly LevelSource[], now: number): readonly LevelSource[] {
  return sources
    .filter(({ held }) => !isInFuture(held.savedAt, now))
    .sort((a, b) => b.held.savedAt - a.held.savedAt);
}

/**
 * What a restore from `source` would take: the older versions that it needs for funds in limbo, then the
 * current one; what isn't whole there is left out. Throws what the store throws.
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
 * Saves versions of another store into an empty folder. Each is a swap of this folder's own, so its
 * history begins with them. Throws what a swap throws.
 */
export async function levelStore(
  versions: readonly ReadBytes[],
  { swapper, heldBackups, clock, random, signal }: LevelOptions,
): Promise<void> {
  for (const { bytes, sha256 } of versions) {
    // Another node's, whatever it does there.
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
