import type { BackupContents } from "../chanbackup/backup-contents.ts";
import { emptyMultiSizeBytes } from "../chanbackup/packed-multi.ts";
import type { Base, HeldVersion } from "../repository/base.ts";
import { hasCode } from "../runtime/error.ts";
import type { Candidate } from "./candidate.ts";
import type { Guard, Refusal } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";

/**
 * Never lets a backup become current that is worse than the one in the store, unless a person accepts it:
 * such a backup comes from a node that was restored, or whose database went back to an older state. Worse
 * means:
 *
 * - a channel is missing that the node doesn't call closed. Without a node to ask, this isn't known, and
 *   the backup passes;
 * - a channel is bare that wasn't before (see `BackupContents`).
 *
 * This costs nothing while the channels stay the same. Throws what the node throws if it can't be asked
 * now: nothing is committed until it can. Leaves an empty candidate to `refuseEmpty`.
 */
export function refuseWorse(heldBackups: HeldBackups): Guard {
  /** The version against which the last candidate was refused; null if it passed. */
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

/** Without lnd its file can't be opened, and must not undo an earlier refusal. */
function refuseUnopened(held: HeldVersion, refusedAgainst: string | null): Refusal | null {
  if (refusedAgainst !== held.key) return null;
  return {
    code: "unverified",
    message:
      "the previous backup was worse than the one in the store, and nothing could open this one, so the one in the store stays current. Let lnd verify the new one (--from lnd, with lnd running), or give --key-file",
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
  // Judged by its bytes, a channel can be bare from its first day (lnd before 0.19), so counts prove
  // little.
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

  return worseThan(before, { channelPoints, bareChannelPoints }, knownBare, (gone) =>
    heldBackups.notClosedBeside(candidate, gone, signal),
  );
}

/**
 * Refuses `after` if it lacks anything that `before` has. `knownBare` is how many channels were bare
 * before; `notClosed` gives those of some channels that the node doesn't call closed.
 */
export async function worseThan(
  before: BackupContents,
  { channelPoints, bareChannelPoints }: BackupContents,
  knownBare: number,
  notClosed: (points: readonly string[]) => Promise<readonly string[]>,
): Promise<Refusal | null> {
  const now = new Set(channelPoints);
  const gone = before.channelPoints.filter((point) => !now.has(point));
  const lost = await notClosed(gone);
  if (lost.length > 0) return channelsGone(lost);

  const bare = bareChannelPoints ?? [];
  const had = new Set(before.channelPoints);
  const bareAndHad = bare.filter((point) => had.has(point));
  const bareBefore = before.bareChannelPoints && new Set(before.bareChannelPoints);
  // If only their number is known, any excess over it was not bare before.
  const poorerCount =
    bareBefore === null
      ? bareAndHad.length - knownBare
      : bareAndHad.filter((point) => !bareBefore.has(point)).length;
  return poorerCount > 0 ? poorer(poorerCount) : null;
}

const howToGoOn =
  "the one in the store stays current. Check the node first: it may have been restored, or be running on an old copy of its database. To continue from the new one anyway, run scb-mirror accept";

function channelsGone(points: readonly string[]): Refusal {
  const named = points.slice(0, 3).join(", ") + (points.length > 3 ? ", …" : "");
  const what = points.length === 1 ? "1 channel" : `${points.length} channels`;
  return {
    code: "channels-gone",
    message: `the node's backup lacks ${what} that the node does not call closed (${named}); ${howToGoOn}`,
  };
}

function poorer(count: number): Refusal {
  const what = count === 1 ? "1 channel" : `${count} channels`;
  return {
    code: "poorer",
    message: `the node's backup holds less recovery data than before for ${what}, as after a restore; ${howToGoOn}`,
  };
}

function notOurs(held: HeldVersion): Refusal {
  return {
    code: "not-ours",
    message: `the key or node that opened the new backup can't open ${held.key}, so that one belongs to another node and stays current: check --node and --key-file, and give each node its own folder`,
  };
}
