import type { NodeSurvey } from "../../chanbackup/node-survey.ts";
import type { Opened } from "./drill-backup.ts";
import type { DrillOptions } from "./drill-options.ts";
import type { DrillCounts, DrilledChannel, DrillProblem, DrillWarning } from "./drill-report.ts";

/** Whether only the backup could bring its funds back. */
export function isOpen(state: DrilledChannel["state"]): boolean {
  return state === "open" || state === "pending-open" || state === "restored";
}

/** What the backup lacks of the node's channels, and what it has that the node does not. */
export function compare(
  channels: readonly DrilledChannel[],
  missing: readonly DrilledChannel[],
  survey: NodeSurvey,
): DrillProblem[] {
  const found: DrillProblem[] = [];
  if (missing.length > 0) {
    const open = channels.filter(({ state }) => isOpen(state)).length;
    found.push({
      code: "not-covered",
      message: `${missing.length} of the node's ${open} channels are not in the backup, and would be lost: the mirror is behind, or stopped`,
    });
  }
  const unknown = channels.filter(({ state }) => state === "unknown").length;
  if (unknown > 0) {
    found.push({
      code: "unknown-channels",
      message: `the backup holds ${unknown} channels that the node has never heard of: it may have lost its channel database, or have been restored; look at the node before anything else`,
    });
  }
  const untold = channels.filter(
    ({ inBackup, state }) => inBackup === true && state === null,
  ).length;
  if (untold > 0 && !survey.closed.known) {
    found.push({
      code: "not-compared",
      message: `the backup holds ${untold} channels that are not open, and whether they were closed is not known: ${survey.closed.error.message}`,
    });
  }
  return found;
}

export function countsOf(
  channels: readonly DrilledChannel[],
  { points }: Opened,
  survey: NodeSurvey | null,
  missing: number | null,
): DrillCounts {
  const back = channels.filter(({ inBackup }) => inBackup === true);
  return {
    inBackup: points?.length ?? null,
    open: survey === null ? null : channels.filter(({ state }) => isOpen(state)).length,
    missing,
    comesBackSat:
      survey === null || points === null
        ? null
        : back.reduce((sum, { comesBackSat }) => sum + (comesBackSat ?? 0), 0),
  };
}

export function warningsOf(
  channels: readonly DrilledChannel[],
  isDecoded: boolean,
): DrillWarning[] {
  const live = channels.filter(({ inBackup, state }) => inBackup === true && state !== "closed");
  const warnings: DrillWarning[] = [];
  const warn = (
    code: DrillWarning["code"],
    applies: (channel: DrilledChannel) => boolean,
    what: string,
  ): void => {
    const count = new Set(live.filter(applies).map(({ peer }) => peer)).size;
    if (count > 0)
      warnings.push({ code, message: `${count} ${count === 1 ? "peer" : "peers"}: ${what}` });
  };
  if (isDecoded) {
    warn(
      "stale-address",
      ({ addresses }) =>
        addresses.some(({ announced }) => announced === true) &&
        !addresses.some(({ announced, inBackup }) => announced === true && inBackup === true),
      "the backup holds none of the addresses that it announces now, so a restored node may have to be told with lncli connect; the next refresh of the mirror saves them",
    );
  }
  warn(
    "no-address",
    ({ reach }) => reach === "must-come",
    "no address that can be dialled, so it has to come to a restored node by itself: keep your node's own address",
  );
  warn(
    "no-answer",
    ({ reach, connected }) => reach === "no-answer" && connected !== true,
    "not connected now, and no address of it answers: its channels would come back only when it does",
  );
  return warnings;
}

export function notChecked(
  { encrypter, dialler, nodeFailure }: DrillOptions,
  survey: NodeSurvey | null,
  hasWitness: boolean,
): string[] {
  const list: string[] = [];
  if (encrypter === undefined) {
    list.push("that your words or key open it, and the addresses in it: give --key-file");
  }
  if (!hasWitness && nodeFailure === undefined) {
    list.push("that it holds every channel that the node has now: give --from lnd");
  }
  if (survey !== null && !survey.peers.known) {
    list.push(`which peers are connected: ${survey.peers.error.message}`);
  }
  if (survey !== null && !survey.announced.known) {
    list.push(`which addresses the peers announce: ${survey.announced.error.message}`);
  }
  if (dialler === undefined) list.push("whether the peers' addresses answer: give --dial");
  return list;
}
