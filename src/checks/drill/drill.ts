import type { NodeSurvey } from "../../chanbackup/node-survey.ts";
import { type DrillRecord, recordDrill } from "../../repository/drill-record.ts";
import { hasCode } from "../../runtime/error.ts";
import { programVersion } from "../../runtime/version.ts";
import { fetchCurrent, type Opened, openBackup } from "./drill-backup.ts";
import { drillChannels } from "./drill-channels.ts";
import { compare, countsOf, isOpen, notChecked, warningsOf } from "./drill-findings.ts";
import { type DrillOptions, denied, nodeTrouble, unreached } from "./drill-options.ts";
import { type DrillProblem, type DrillReport, isInconclusive, verdictOf } from "./drill-report.ts";

export type { DrillOptions } from "./drill-options.ts";

/**
 * A channel that opens, or closes, in this moment is in the node and not yet in the store, or the
 * other way round. So what looks wrong in the comparison is looked at once more, this much later.
 */
const secondLookMs = 5_000;

/**
 * Does all of a restore but the restoring: fetches the current version, checks it, has it opened by the
 * key and by the node, and compares it with the node's channels. Changes nothing, but keeps its result
 * in the store, where it came to one and the credential may. Throws "aborted", and what is a defect.
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { store, node, clock, signal } = options;
  const at = clock.now();
  const begunMs = clock.monotonicMs();
  let findings = await look(options);
  if (findings.problems.some(({ code }) => code === "not-covered" || code === "unknown-channels")) {
    await clock.sleep(secondLookMs, signal);
    findings = await look(options);
  }
  const verdict = verdictOf(findings.problems);
  const report: DrillReport = {
    node,
    ok: verdict === "would-restore",
    verdict,
    at: new Date(at).toISOString(),
    durationMs: Math.round(clock.monotonicMs() - begunMs),
    ...findings,
    recordedAs: null,
  };
  const notRecorded = (message: string): DrillReport => ({
    ...report,
    warnings: [...report.warnings, { code: "not-recorded", message }],
  });
  if (report.problems.some(({ code }) => code === "no-backup")) {
    return notRecorded("the result is not kept: there is no folder of this node yet");
  }
  // One that could not look must not take the place of one that could.
  if (isInconclusive(report)) {
    return notRecorded("the result is not kept in the store: it says nothing of the backup");
  }
  try {
    return { ...report, recordedAs: await recordDrill(store, recordOf(report), options) };
  } catch (error) {
    if (!hasCode(error, ...unreached, ...denied)) throw error;
    return notRecorded(`the result is not kept in the store: ${error.message}`);
  }
}

/** What an outsider who can read the bucket has no need to know is left out: channels, peers, amounts. */
function recordOf(report: DrillReport): DrillRecord {
  const { at, ok, verdict, durationMs, version, opened, covered, counts, problems } = report;
  return {
    at,
    ok,
    verdict,
    durationMs,
    program: `scb-mirror/${programVersion}`,
    version: version && { key: version.key, sequence: version.sequence, sha256: version.sha256 },
    opened,
    covered,
    counts: { inBackup: counts.inBackup, open: counts.open, missing: counts.missing },
    problems,
    warnings: report.warnings.map(({ code }) => code),
  };
}

type Findings = Pick<
  DrillReport,
  "version" | "opened" | "covered" | "counts" | "channels" | "problems" | "warnings" | "notChecked"
>;

async function look(options: DrillOptions): Promise<Findings> {
  const { witness, dialler, signal } = options;
  const problems: DrillProblem[] = [];
  const survey = await surveyNode(options, problems);
  const fetched = await fetchCurrent(options, problems);
  const nothing: Opened = { points: null, singles: null, key: null, lnd: null };
  const opened = fetched === null ? nothing : await openBackup(options, fetched.packed, problems);
  const channels = await drillChannels({
    channelPoints: opened.points,
    singles: opened.singles,
    survey,
    dialler: dialler ?? null,
    signal,
  });
  const missing = channels.filter(({ inBackup, state }) => inBackup === false && isOpen(state));
  const isCompared = survey !== null && opened.points !== null;
  if (isCompared) problems.push(...compare(channels, missing, survey));
  const version = fetched?.version ?? null;
  const ahead = fetched?.ahead ?? null;
  if (!isCompared && version !== null && ahead !== null) {
    problems.push({
      code: "pointer-behind",
      message: `this is sequence ${version.sequence}, but there are versions up to sequence ${ahead}: an older pointer was put back, so channels may be missing: look at scb-mirror verify and scb-mirror repair`,
    });
  }
  const maxAgeSeconds = options.maxAgeMs / 1000;
  if (!isCompared && version !== null && version.ageSeconds > maxAgeSeconds) {
    problems.push({
      code: "stale",
      message: `the backup is ${Math.round(version.ageSeconds / 3600)} h old, so channels may have opened since; a running mirror saves one at least every ${Math.round(maxAgeSeconds / 3600)} h: look whether scb-mirror run is up, and give --from lnd to compare it with the node`,
    });
  }
  return {
    version,
    opened: { hash: fetched?.hash ?? null, key: opened.key, lnd: opened.lnd },
    covered: isCompared ? missing.length === 0 : null,
    counts: countsOf(channels, opened, survey, isCompared ? missing.length : null),
    channels,
    problems,
    warnings: warningsOf(channels, opened.singles !== null),
    notChecked: notChecked(options, survey, witness !== undefined),
  };
}

/** Null where no node is asked, and, with a problem, where it does not tell. */
async function surveyNode(
  { witness, nodeFailure, signal }: DrillOptions,
  problems: DrillProblem[],
): Promise<NodeSurvey | null> {
  let why = nodeFailure?.message;
  if (witness?.survey !== undefined) {
    try {
      return await witness.survey(signal);
    } catch (error) {
      if (!hasCode(error, ...nodeTrouble)) throw error;
      why = error.message;
    }
  } else if (witness !== undefined) {
    why = "this node does not tell them";
  }
  if (why !== undefined) {
    problems.push({
      code: "not-compared",
      message: `the backup could not be compared with the node's channels: ${why}`,
    });
  }
  return null;
}
