import type { BackupContents } from "../chanbackup/backup-contents.ts";
import { emptyMultiSizeBytes } from "../chanbackup/packed-multi.ts";
import type { Base, HeldVersion } from "../repository/base.ts";
import { hasCode } from "../runtime/error.ts";
import type { Candidate } from "./candidate.ts";
import type { Guard, Refusal } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";

/**
 * A backup that is worse than the one in the store never becomes current by itself: that is what a
 * node hands out that was restored, or whose database went back to an older state. Worse is:
 *
 * - a channel is gone that the node does not call closed. Where no node can be asked this is not
 *   known, and lets it pass;
 * - a channel is bare that was not (see `BackupContents`).
 *
 * It costs nothing while the channels stay the same. Throws what the node throws when it cannot be
 * asked now: nothing is committed until it can. An empty candidate is `refuseEmpty`'s.
 */
export function refuseWorse(heldBackups: HeldBackups): Guard {
  /** The version that the last candidate was refused against; null when it passed. */
  let refusedAgainst: string | null = null;
  return async (candidate, base, signal) => {
    const { held } = base;
    const isEmpty = candidate.packed.length === emptyMultiSizeBytes;
    if (held !== null && !isEmpty) {
      const refusal =
        candidate.contents === null
          ? refuseUnopened(held, refusedAgainst)
          : await compare(candidate, candidate.contents, held, base, heldBackups, signal);
      if (refusal !== null) {
        refusedAgainst = held.key;
        return refusal;
      }
    }
    refusedAgainst = null;
    heldBackups.remember(candidate);
    return null;
  };
}

/** While lnd is away its file cannot be opened, and must not undo what was refused before. */
function refuseUnopened(held: HeldVersion, refusedAgainst: string | null): Refusal | null {
  if (refusedAgainst !== held.key) return null;
  return {
    code: "unverified",
    message:
      "the backup before this one was worse than the one in the store, and nobody could open this one; the one in the store stays current. Let lnd verify it (--from lnd, with lnd running), or give --key-file",
  };
}

async function compare(
  candidate: Candidate,
  { channelPoints, bareChannelPoints }: NonNullable<Candidate["contents"]>,
  held: HeldVersion,
  base: Base,
  heldBackups: HeldBackups,
  signal: AbortSignal | undefined,
): Promise<Refusal | null> {
  const bare = bareChannelPoints ?? [];
  const knownBare = held.bareChannels ?? 0;
  // By the bytes a channel can be bare from its first day (lnd before 0.19), so counts say little.
  const mayBePoorer = candidate.verifiedBy === "key" ? bare.length > 0 : bare.length > knownBare;
  const isSameSet = held.channelPointsSha256 === candidate.channelPointsSha256;
  if (isSameSet && !mayBePoorer) return null;

  let before: BackupContents | null;
  try {
    before = await heldBackups.baselineOf(base, candidate.verifiedBy, signal);
  } catch (error) {
    if (hasCode(error, "decrypt")) return notOurs(held);
    throw error;
  }
  if (before === null) return bare.length > knownBare ? poorer(bare.length - knownBare) : null;

  return worseThan(before, { channelPoints, bareChannelPoints }, knownBare, heldBackups, signal);
}

/** Whether `after` lacks, or holds less of, what `before` has. `knownBare`: how many were bare before. */
export async function worseThan(
  before: BackupContents,
  { channelPoints, bareChannelPoints }: BackupContents,
  knownBare: number,
  heldBackups: HeldBackups,
  signal: AbortSignal | undefined,
): Promise<Refusal | null> {
  const now = new Set(channelPoints);
  const gone = before.channelPoints.filter((point) => !now.has(point));
  const lost = await heldBackups.notClosed(gone, signal);
  if (lost.length > 0) return channelsGone(lost);

  const bare = bareChannelPoints ?? [];
  const had = new Set(before.channelPoints);
  const bareAndHad = bare.filter((point) => had.has(point));
  const bareBefore = before.bareChannelPoints && new Set(before.bareChannelPoints);
  // Where only their number is known, more of them than before were not bare before.
  const poorerCount =
    bareBefore === null
      ? bareAndHad.length - knownBare
      : bareAndHad.filter((point) => !bareBefore.has(point)).length;
  return poorerCount > 0 ? poorer(poorerCount) : null;
}

const howToGoOn =
  "the one in the store stays current. Look at the node before anything else: it may have been restored, or run on an old copy of its database. To go on from the new one all the same: scb-mirror accept";

function channelsGone(points: readonly string[]): Refusal {
  const named = points.slice(0, 3).join(", ") + (points.length > 3 ? ", …" : "");
  const what = points.length === 1 ? "1 channel is" : `${points.length} channels are`;
  return {
    code: "channels-gone",
    message: `${what} gone from the node's backup that the node does not call closed (${named}); ${howToGoOn}`,
  };
}

function poorer(count: number): Refusal {
  const what = count === 1 ? "1 channel" : `${count} channels`;
  return {
    code: "poorer",
    message: `the node's backup holds less than before of ${what}, as it does after a restore; ${howToGoOn}`,
  };
}

function notOurs(held: HeldVersion): Refusal {
  return {
    code: "not-ours",
    message: `what opened the new backup cannot open ${held.key}, so that one is another node's, and it stays current: check --node and --key-file, and give each node a folder of its own`,
  };
}
