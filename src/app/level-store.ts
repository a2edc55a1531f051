import { newCandidate } from "../mirror/candidate.ts";
import type { HeldBackups } from "../mirror/held-backups.ts";
import type { StateSwapper } from "../mirror/state-swapper.ts";
import type { HeldVersion } from "../repository/base.ts";
import { isInFuture } from "../repository/times.ts";
import { readVersion } from "../repository/version.ts";
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

/** The one whose current version was saved last, by a time that can be right; null if there is none. */
export function bestOf(sources: readonly LevelSource[], now: number): LevelSource | null {
  const [best = null] = sources
    .filter(({ held }) => !isInFuture(held.savedAt, now))
    .sort((a, b) => b.held.savedAt - a.held.savedAt);
  return best;
}

/**
 * Saves into an empty folder what a restore from `source` would take: the older versions that it needs
 * for funds in limbo, then the current one. Each is a swap of this folder's own, so its history begins
 * with them. Returns how many it was; what isn't whole there is left out. Throws what a swap throws.
 */
export async function levelStore(
  { store, held }: LevelSource,
  { swapper, heldBackups, clock, random, signal }: LevelOptions,
): Promise<number> {
  const older = [...held.alsoRestore].sort((a, b) => (a.key < b.key ? -1 : 1));
  let count = 0;
  for (const wanted of [...older, { key: held.key, sha256: held.sha256 }]) {
    const reading = await readVersion(store, wanted, { signal });
    if (reading.kind !== "whole") continue;
    const { bytes } = reading;
    await heldBackups.opens(bytes, signal);
    const known = heldBackups.knownContents(reading.sha256);
    const candidate = newCandidate(bytes, known, known?.by ?? null);
    const operation = await swapper.begin(await swapper.base(signal), candidate, signal);
    await retry(() => swapper.advance(operation, signal), {
      canPass: (error) => hasCode(error, "store-busy", "store-unknown"),
      backoff: storeBackoff,
      clock,
      random,
      signal,
    });
    count += 1;
  }
  return count;
}
