import { unpackMulti } from "../../chanbackup/packed-multi.ts";
import type { Single } from "../../chanbackup/single.ts";
import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import type { Encrypter } from "../../keychain/encrypter.ts";
import type { HeldVersion } from "../../repository/base.ts";
import type { RestoredBackup } from "../../repository/fetch-backup.ts";
import { currentOrNull } from "../../repository/history.ts";
import { unexplainedSequence } from "../../repository/unexplained.ts";
import { readHeld } from "../../repository/version.ts";
import { hasCode } from "../../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";
import { formatOutPoint } from "../../wire/out-point.ts";

/** What became of the node's channels after a version was saved, as far as that can be known. */
export interface ChangesSince {
  /**
   * How many newer versions there are, with those that an older pointer, put back, does not name; null
   * where there is no pointer to tell.
   */
  readonly newerVersions: number | null;
  /** Channels that this version cannot bring back, since they opened later. Null: not known. */
  readonly opened: number | null;
  /** Channels in it that have closed, or have begun to. Null: not known. */
  readonly closed: number | null;
  /** Channels in it that are open now, by the node's word: a restore would close them. */
  readonly stillOpen: number | null;
  /** Who said so: the running node, or the version that is current now. */
  readonly by: "node" | "current" | null;
}

export interface ChangesSinceOptions extends RequestOptions {
  readonly store: ObjectStore;
  readonly backup: RestoredBackup;
  readonly encrypter?: Encrypter | undefined;
  readonly witness?: NodeWitness | undefined;
}

/** Throws what the node throws, where there is one to ask, but "decrypt" and "decode". */
export async function changesSince(options: ChangesSinceOptions): Promise<ChangesSince> {
  const { store, backup, witness, signal } = options;
  const current = await currentOrNull(store, { signal });
  const held = current?.held ?? null;
  const ahead = current === null ? null : await unexplainedSequence(store, current, { signal });
  const newest = held === null ? null : Math.max(held.sequence, ahead ?? 0);
  const newerVersions = newest === null ? null : Math.max(0, newest - backup.sequence);
  const unknown = { newerVersions, opened: null, closed: null, stillOpen: null, by: null };
  if (witness !== undefined) {
    const points = await pointsIn(backup, witness, signal);
    if (points === null) return unknown;
    const changes = compare(points, await witness.openChannelPoints(signal));
    return { newerVersions, ...changes, stillOpen: points.length - changes.closed, by: "node" };
  }
  if (held === null || ahead !== null) return unknown;
  if (held.key === backup.key) return { ...unknown, opened: 0, closed: 0, by: "current" };
  const points = backup.singles === null ? null : pointsOf(backup.singles);
  const now = await pointsInCurrent(options, held);
  if (points === null || now === null) return unknown;
  return { ...unknown, ...compare(points, now), by: "current" };
}

function compare(then: readonly string[], now: readonly string[]) {
  const [before, after] = [new Set(then), new Set(now)];
  return {
    opened: now.filter((point) => !before.has(point)).length,
    closed: then.filter((point) => !after.has(point)).length,
  };
}

async function pointsIn(
  { singles, packed }: RestoredBackup,
  witness: NodeWitness,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | null> {
  if (singles !== null) return pointsOf(singles);
  try {
    return await witness.channelPointsOf(packed, signal);
  } catch (error) {
    if (hasCode(error, "decrypt", "decode")) return null;
    throw error;
  }
}

/** Whether the current version can be read is not what this restore hangs on. */
async function pointsInCurrent(
  { store, encrypter, signal }: ChangesSinceOptions,
  held: HeldVersion,
): Promise<readonly string[] | null> {
  if (encrypter === undefined) return null;
  const stored = await readHeld(store, held, { signal });
  if (stored.kind === "missing" || stored.kind === "damaged") return null;
  try {
    return pointsOf(unpackMulti(stored.bytes, encrypter).staticBackups);
  } catch (error) {
    if (hasCode(error, "decrypt", "decode")) return null;
    throw error;
  }
}

function pointsOf(singles: readonly Single[]): readonly string[] {
  return singles.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint));
}
