import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import { openedPoints } from "../../checks/cover.ts";
import type { FolderEvidence } from "../../checks/evidence.ts";
import type { RestoredBackup } from "../../repository/fetch-backup.ts";
import { hasCode } from "../../runtime/error.ts";
import type { RequestOptions } from "../../store/object-store.ts";
import { formatOutPoint } from "../../wire/out-point.ts";

/** What happened to the node's channels after a version was saved, as far as it is known. */
export interface ChangesSince {
  /**
   * How many newer versions there are, including those beyond the pointer; null if there is no pointer, or
   * if the versions beyond it weren't seen.
   */
  readonly newerVersions: number | null;
  /** Channels that opened later, so this version can't bring them back. Null if not known. */
  readonly opened: number | null;
  /** Channels in it that have closed or are closing. Null if not known. */
  readonly closed: number | null;
  /** Channels in it that the node has open now: a restore would close them. Null if not known. */
  readonly stillOpen: number | null;
  /** Whose word this is: the running node's, or the current version's. */
  readonly by: "node" | "current" | null;
}

export interface ChangesSinceOptions extends RequestOptions {
  readonly backup: RestoredBackup;
  /** What was seen of the folder that it is from. */
  readonly folder: FolderEvidence;
  readonly witness?: NodeWitness | undefined;
}

/** Throws what the node throws, except "decrypt" and "decode". */
export async function changesSince(options: ChangesSinceOptions): Promise<ChangesSince> {
  const { backup, folder, witness, signal } = options;
  const { current, beyond, version } = folder;
  const held = current.known && current.value.kind === "held" ? current.value.held : null;
  const later = beyond.known ? beyond.value.map(({ sequence }) => sequence) : null;
  const newerVersions =
    held === null || later === null
      ? null
      : Math.max(0, Math.max(held.sequence, ...later) - backup.sequence);
  const unknown = { newerVersions, opened: null, closed: null, stillOpen: null, by: null };
  if (witness !== undefined) {
    const points = await pointsIn(backup, witness, signal);
    if (points === null) return unknown;
    const changes = compare(points, await witness.openChannelPoints(signal));
    return { newerVersions, ...changes, stillOpen: points.length - changes.closed, by: "node" };
  }
  // A version beyond the pointer may hold other channels.
  if (held === null || later === null || later.length > 0) return unknown;
  if (held.key === backup.key) return { ...unknown, opened: 0, closed: 0, by: "current" };
  const points = pointsOf(backup);
  const now = version && openedPoints(version);
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
  backup: RestoredBackup,
  witness: NodeWitness,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | null> {
  const known = pointsOf(backup);
  if (known !== null) return known;
  try {
    return await witness.channelPointsOf(backup.packed, signal);
  } catch (error) {
    if (hasCode(error, "decrypt", "decode")) return null;
    throw error;
  }
}

function pointsOf({ singles }: RestoredBackup): readonly string[] | null {
  return singles?.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint)) ?? null;
}
