import type { CommitmentKind, NodeSurvey, SurveyedChannel } from "../../chanbackup/node-survey.ts";
import type { DialResult } from "../../node/peer-dialler.ts";
import type { AlsoRestore } from "../../repository/also-restore.ts";
import type { DrillVerdict } from "../../repository/drill-record.ts";
import { coverOf, openedPoints } from "../cover.ts";
import type { Evidence } from "../evidence.ts";
import {
  type Finding,
  type FindingCode,
  type ToldFinding,
  toldOf,
  type Verdict,
} from "../finding.ts";

/** What each verdict means for a restore. */
export const drillVerdicts = {
  safe: "would-restore",
  unsafe: "would-not-restore",
  unknown: "unknown",
} as const satisfies Record<Verdict, DrillVerdict>;

export interface DrilledAddress {
  readonly address: string;
  /** Null without a key. */
  readonly inBackup: boolean | null;
  /** Whether the peer announces this address; null if the node didn't say. */
  readonly announced: boolean | null;
  /** Null if dialling wasn't asked for. */
  readonly dial: DialResult | null;
}

/** One channel of the backup or the node: what a restore would bring back, and when. */
export interface DrilledChannel {
  readonly channelPoint: string;
  /** Whether the backup holds it; null if nothing could open the backup. */
  readonly inBackup: boolean | null;
  /**
   * The older version that holds it, among those that a restore also uses for the funds of closed
   * channels; null if none does.
   */
  readonly inAlso: string | null;
  /** According to the node; "unknown" if it has never heard of the channel, null if it didn't say. */
  readonly state: SurveyedChannel["state"] | "closed" | "unknown" | null;
  /** Compressed public key, hex; null if there is no key and the node doesn't have the channel. */
  readonly peer: string | null;
  readonly capacitySat: number | null;
  /**
   * What the peer's closing transaction would pay this node now, before the fee for sweeping it; for a
   * closing channel, what is still to come. Null if the balance isn't known.
   */
  readonly comesBackSat: number | null;
  /** For a closing channel: the height at which this node's own time lock ends; null if there is none yet. */
  readonly maturityHeight: number | null;
  /** In payments in flight, which may go to either side. */
  readonly inFlightSat: number | null;
  readonly commitment: CommitmentKind | null;
  /** Confirmations of the peer's closing transaction until its payment can be spent. */
  readonly delayBlocks: number | null;
  /** For a lease that this node opened: not before this height, whatever the delay. */
  readonly notBeforeHeight: number | null;
  /**
   * The time lock in this node's own commitment. It doesn't matter in a restore, in which only the peer
   * closes.
   */
  readonly ownCsvDelayBlocks: number | null;
  /** Whether the peer is connected now, and at which address; null if the node didn't say. */
  readonly connected: boolean | null;
  readonly connectedAt: string | null;
  /** Whether the peer dialled us, so that nobody can dial the address that we see. */
  readonly inbound: boolean | null;
  /**
   * "answers": an address accepted a connection. "no-answer": all were tried, and none did. "must-come":
   * there is no address that could be dialled. "not-tried": some weren't tried.
   */
  readonly reach: "answers" | "no-answer" | "must-come" | "not-tried";
  readonly addresses: readonly DrilledAddress[];
}

/** The result of a drill. `drill --json` prints it. */
export interface DrillReport {
  readonly node: string;
  /** True only for the verdict "would-restore". */
  readonly ok: boolean;
  readonly verdict: DrillVerdict;
  /** ISO 8601: when it began. */
  readonly at: string;
  readonly durationMs: number;
  readonly version: {
    readonly key: string;
    readonly sequence: number;
    readonly sha256: string;
    readonly sizeBytes: number;
    /** ISO 8601. */
    readonly committedAt: string;
    /** Null if its time is in the future. */
    readonly ageSeconds: number | null;
  } | null;
  /** What else a restore uses, according to the pointer: the findings say what is wrong with it. */
  readonly also: readonly AlsoRestore[];
  /** Null: not asked, or no answer. `hash` is null if no hash was ever recorded. */
  readonly opened: {
    readonly hash: boolean | null;
    readonly key: boolean | null;
    readonly lnd: boolean | null;
  };
  /** Whether it holds every channel that the node has; null if no node was asked. */
  readonly covered: boolean | null;
  readonly counts: DrillCounts;
  readonly channels: readonly DrilledChannel[];
  /** Problems first. `problems` and `warnings` are the same findings, for programs that know those. */
  readonly findings: readonly Finding[];
  /** The findings that the verdict rests on. */
  readonly problems: readonly ToldFinding[];
  readonly warnings: readonly ToldFinding[];
  /** What wasn't checked, and which option would change that. */
  readonly notChecked: readonly string[];
  /** Where the result is recorded, relative to the node's folder; null if it isn't. */
  readonly recordedAs: string | null;
}

export interface DrillCounts {
  /** In the backup; null if nothing opened it. */
  readonly inBackup: number | null;
  /** According to the node: open, opening, or restored and not closed yet. */
  readonly open: number | null;
  readonly missing: number | null;
  /** The total that would come back from channels in the backups; null if no balance is known. */
  readonly comesBackSat: number | null;
  /** What is still to come from closing channels, whether or not a backup holds them. */
  readonly limboSat: number | null;
  /** The part of `limboSat` that nothing in the store would bring back. */
  readonly lostLimboSat: number | null;
}

/** Everything in a report except the findings. */
export type DrillFacts = Omit<DrillReport, "findings" | "problems" | "warnings">;

export function drillReport(facts: DrillFacts, findings: readonly Finding[]): DrillReport {
  const { node, ok, verdict, ...others } = facts;
  return {
    node,
    ok,
    verdict,
    ...others,
    findings,
    problems: findings.filter(({ level }) => level !== "warning").map(toldOf),
    warnings: findings.filter(({ level }) => level === "warning").map(toldOf),
  };
}

/** Failures to look, which the next drill may not have. A missing permission isn't one: it stays missing. */
const unseenCodes: readonly FindingCode[] = [
  "store-unread",
  "node-unread",
  "not-compared",
  "not-opened",
];

/**
 * Whether the verdict is "unknown" only because the drill couldn't look, which says nothing about the
 * backup. A doubt that it did see (the backup is old, someone restored an older pointer) is a result.
 */
export function isInconclusive({ verdict, findings }: Pick<DrillReport, "verdict" | "findings">) {
  if (verdict !== "unknown") return false;
  const open = findings.filter(({ level }) => level === "unknown");
  return open.every(({ code }) => unseenCodes.includes(code));
}

/** Funds come back if a version that a restore would use holds their channel. */
export function countsOf(
  evidence: Evidence,
  survey: NodeSurvey | null,
  channels: readonly DrilledChannel[],
): DrillCounts {
  const { folder, node } = evidence;
  const opened = folder.version && openedPoints(folder.version);
  const sum = (of: readonly DrilledChannel[]): number =>
    of.reduce((sat, { comesBackSat }) => sat + (comesBackSat ?? 0), 0);
  const isHeld = ({ inBackup, inAlso }: DrilledChannel) => inBackup === true || inAlso !== null;
  const limbo = channels.filter(({ state }) => state === "closing");
  const isKnown = survey !== null && opened !== null;
  return {
    inBackup: opened?.length ?? null,
    open: node.asked && node.known ? node.value.open.length + node.value.restored.length : null,
    missing: coverOf(evidence)?.missing.length ?? null,
    comesBackSat: isKnown ? sum(channels.filter(isHeld)) : null,
    limboSat: survey === null ? null : sum(limbo),
    lostLimboSat: isKnown ? sum(limbo.filter((channel) => !isHeld(channel))) : null,
  };
}
