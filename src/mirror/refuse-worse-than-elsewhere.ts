import type { BackupContents } from "../chanbackup/backup-contents.ts";
import { emptyMultiSizeBytes } from "../chanbackup/packed-multi.ts";
import type { HeldVersion } from "../repository/base.ts";
import type { Candidate } from "./candidate.ts";
import type { Guard, Refusal } from "./guard.ts";
import type { HeldBackups } from "./held-backups.ts";
import { worseThan } from "./refuse-worse.ts";

/** What another of the node's stores was last seen to hold. */
export interface SeenElsewhere {
  /** The store's name. */
  readonly store: string;
  readonly held: HeldVersion;
  /** Null if nothing has opened it. */
  readonly contents: (BackupContents & { readonly by: Candidate["verifiedBy"] }) | null;
}

/**
 * What one store knows protects all: no store takes a backup that is worse than what any of them holds.
 * So a new store, or one that is behind, doesn't accept what the others would refuse. This asks no other
 * store, because one that hangs must not delay the rest. `refuseWorse` and `refuseEmpty` define "worse".
 */
export function refuseWorseThanElsewhere(
  elsewhere: () => readonly SeenElsewhere[],
  heldBackups: HeldBackups,
  isEmptyAccepted: () => boolean,
): Guard {
  return async (candidate, _base, signal) => {
    for (const { store, held, contents } of elsewhere()) {
      if (held.sha256 === candidate.sha256) continue;
      const refusal =
        candidate.packed.length === emptyMultiSizeBytes
          ? await refuseEmptied(held, contents, heldBackups, isEmptyAccepted, signal)
          : await refuseLess(candidate, held, contents, heldBackups, signal);
      if (refusal === null) continue;
      return { ...refusal, message: `compared with ${held.key} in ${store}: ${refusal.message}` };
    }
    return null;
  };
}

async function refuseEmptied(
  held: HeldVersion,
  contents: BackupContents | null,
  heldBackups: HeldBackups,
  isEmptyAccepted: () => boolean,
  signal: AbortSignal | undefined,
): Promise<Refusal | null> {
  if (held.sizeBytes <= emptyMultiSizeBytes || isEmptyAccepted()) return null;
  if (contents !== null && (await heldBackups.areClosed(contents.channelPoints, signal)))
    return null;
  return {
    code: "empty",
    message:
      "the node's backup is empty (45 bytes: no channels), but that one has channels. Check the node first: its channel database may be gone. If every channel really is closed, run scb-mirror accept, or run once with --accept-empty",
  };
}

async function refuseLess(
  candidate: Candidate,
  held: HeldVersion,
  contents: SeenElsewhere["contents"],
  heldBackups: HeldBackups,
  signal: AbortSignal | undefined,
): Promise<Refusal | null> {
  if (candidate.contents === null || contents === null) return null;
  // Compare only lists from the same source: a key shows more about bare channels than lnd tells.
  const now =
    contents.by === candidate.verifiedBy
      ? candidate.contents
      : { ...candidate.contents, bareChannelPoints: null };
  return worseThan(contents, now, held.bareChannels ?? 0, (gone) =>
    heldBackups.notClosedBeside(candidate, gone, signal),
  );
}
