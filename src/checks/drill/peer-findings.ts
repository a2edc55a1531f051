import type { NodeSurvey } from "../../chanbackup/node-survey.ts";
import { type Finding, type FindingCode, findingOf } from "../finding.ts";
import type { DrillOptions } from "./drill-options.ts";
import type { DrilledChannel } from "./drill-report.ts";

/** What an operator should know about the peers that have to close, even if a restore would work. */
export function peerFindings(
  subject: string,
  channels: readonly DrilledChannel[],
  isDecoded: boolean,
): Finding[] {
  const live = channels.filter(({ inBackup, state }) => inBackup === true && state !== "closed");
  const findings: Finding[] = [];
  const warn = (
    code: FindingCode,
    applies: (channel: DrilledChannel) => boolean,
    what: string,
  ): void => {
    const count = new Set(live.filter(applies).map(({ peer }) => peer)).size;
    const peers = count === 1 ? "peer" : "peers";
    if (count > 0) findings.push(findingOf(code, subject, `${count} ${peers}: ${what}`));
  };
  if (isDecoded) {
    warn(
      "stale-address",
      ({ addresses }) =>
        addresses.some(({ announced }) => announced === true) &&
        !addresses.some(({ announced, inBackup }) => announced === true && inBackup === true),
      "the backup has none of the addresses that are announced now",
    );
  }
  warn(
    "no-address",
    ({ reach }) => reach === "must-come",
    "the backup has no address to dial, so the peer has to dial the restored node",
  );
  warn(
    "no-answer",
    ({ reach, connected }) => reach === "no-answer" && connected !== true,
    "not connected now, and none of its addresses answers",
  );
  return findings;
}

/** The parts of the forecast that weren't checked. The verdict doesn't rest on them. */
export function forecastNotChecked(
  { encrypter, dialler }: DrillOptions,
  survey: NodeSurvey | null,
): string[] {
  const list: string[] = [];
  if (encrypter === undefined) {
    list.push(
      "whether your seed or key opens the backup, and the addresses in it: give --key-file",
    );
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
