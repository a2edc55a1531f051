import type { NodeSurvey } from "../../chanbackup/node-survey.ts";
import { unpackMulti } from "../../chanbackup/packed-multi.ts";
import type { Single } from "../../chanbackup/single.ts";
import { type DrillRecord, recordDrill } from "../../repository/drill-record.ts";
import { sha256Hex } from "../../runtime/digest.ts";
import { hasCode } from "../../runtime/error.ts";
import { programVersion } from "../../runtime/version.ts";
import { collectFolder, collectSurvey } from "../collect.ts";
import { coverOf } from "../cover.ts";
import { type Evidence, openedBy } from "../evidence.ts";
import { findingKinds, findingOf } from "../finding.ts";
import { judgeTwice } from "../second-look.ts";
import { storeTrouble } from "../told.ts";
import { drillChannels } from "./drill-channels.ts";
import type { DrillOptions } from "./drill-options.ts";
import {
  countsOf,
  type DrillFacts,
  type DrillReport,
  drillReport,
  drillVerdicts,
  isInconclusive,
} from "./drill-report.ts";
import { forecastNotChecked, peerFindings } from "./peer-findings.ts";

export type { DrillOptions } from "./drill-options.ts";

/** What was seen, and what else the forecast needs. */
interface Seen {
  readonly evidence: Evidence;
  /** Null if no node was asked, or if it can't tell this much. */
  readonly survey: NodeSurvey | null;
  /** The current version's bytes; null if they weren't there. */
  readonly packed: Uint8Array | null;
}

/**
 * Rehearses a restore without restoring anything: fetches what a restore would use, has the key and the
 * node open it, and compares it with the node's channels. `judge` gives the verdict. Changes nothing except
 * that it records its result in the store, if it has one and the credential may write. Throws "aborted" and
 * defects.
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { store, node, maxAgeMs, clock, dialler = null, signal } = options;
  const at = clock.now();
  const begunMs = clock.monotonicMs();
  const policy = { question: "restore", maxAgeMs, maxSilenceMs: null } as const;
  const { seen, judgement } = await judgeTwice(() => look(options), policy, options);
  const { evidence, survey } = seen;
  const singles = singlesOf(seen, options);
  const channels = await drillChannels({ evidence, singles, survey, dialler, signal });
  const peers = peerFindings(store.location, channels, singles !== null);
  const { verdict } = judgement;
  const facts: DrillFacts = {
    node,
    ok: verdict === "safe",
    verdict: drillVerdicts[verdict],
    at: new Date(at).toISOString(),
    durationMs: Math.round(clock.monotonicMs() - begunMs),
    ...factsOf(seen),
    counts: countsOf(evidence, survey, channels),
    channels,
    notChecked: [...judgement.notChecked, ...forecastNotChecked(options, survey)],
    recordedAs: null,
  };
  return keepResult(drillReport(facts, [...judgement.findings, ...peers]), options);
}

/** The node first: what it has must be in what the store holds afterwards. */
async function look(options: DrillOptions): Promise<Seen> {
  const { clock, pubkey = null } = options;
  const { node, survey } = await collectSurvey(options, pubkey);
  const { folder, packed } = await collectFolder({ ...options, now: clock.now() });
  const evidence: Evidence = { at: clock.now(), folder, node, file: { asked: false } };
  return { evidence, survey, packed };
}

/** The decoded current version; null unless the key opened it. */
function singlesOf(
  { evidence, packed }: Seen,
  { encrypter }: DrillOptions,
): readonly Single[] | null {
  if (encrypter === undefined || packed === null) return null;
  if (openedBy(evidence.folder.version).key !== true) return null;
  return unpackMulti(packed, encrypter).staticBackups;
}

function factsOf({
  evidence,
  packed,
}: Seen): Pick<DrillReport, "version" | "also" | "opened" | "covered"> {
  const { at, folder } = evidence;
  const held =
    folder.current.known && folder.current.value.kind === "held" ? folder.current.value.held : null;
  const reading = folder.version?.reading;
  const isFetched =
    reading?.known === true && (reading.value === "whole" || reading.value === "unproven");
  const cover = coverOf(evidence);
  return {
    version:
      held !== null && packed !== null && isFetched
        ? {
            key: held.key,
            sequence: held.sequence,
            sha256: sha256Hex(packed),
            sizeBytes: packed.length,
            committedAt: new Date(held.committedAt).toISOString(),
            // A time in the future is wrong, not young.
            ageSeconds: held.savedAt > at ? null : Math.floor((at - held.savedAt) / 1000),
          }
        : null,
    also: held?.alsoRestore ?? [],
    opened: {
      hash: isFetched && reading.value === "whole" ? true : null,
      ...openedBy(folder.version),
    },
    covered: cover && cover.missing.length === 0,
  };
}

/** Records the result in the store, or says why it isn't recorded. */
async function keepResult(report: DrillReport, options: DrillOptions): Promise<DrillReport> {
  const { store } = options;
  const notKept = (why: string): DrillReport => {
    const finding = findingOf("not-recorded", store.location, `the result wasn't recorded: ${why}`);
    return drillReport(report, [...report.findings, finding]);
  };
  if (report.findings.some(({ code }) => code === "no-backup")) {
    return notKept("this node has no folder yet");
  }
  // A drill that couldn't look must not replace the result of one that could.
  if (isInconclusive(report)) return notKept("it says nothing about the backup");
  try {
    return { ...report, recordedAs: await recordDrill(store, recordOf(report), options) };
  } catch (error) {
    if (!hasCode(error, ...storeTrouble)) throw error;
    return notKept(error.message);
  }
}

/** Leaves out what readers of the bucket don't need to know: channels, peers, amounts. */
function recordOf(report: DrillReport): DrillRecord {
  const { at, ok, verdict, durationMs, version, opened, covered, counts, warnings } = report;
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
    problems: report.problems.map(({ code }) => ({ code, message: findingKinds[code].means })),
    warnings: warnings.map(({ code }) => code),
  };
}
