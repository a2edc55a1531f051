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
  /** Null without a key: nobody can look into the backup. */
  readonly inBackup: boolean | null;
  /** Whether the peer says that it is reached there; null where the node did not tell. */
  readonly announced: boolean | null;
  /** Null where nobody asked to dial. */
  readonly dial: DialResult | null;
}

/** One channel of the backup or of the node: what a restore would bring back, and when. */
export interface DrilledChannel {
  readonly channelPoint: string;
  /** Whether the backup holds it; null where nobody could open it. */
  readonly inBackup: boolean | null;
  /**
   * The older version that holds it, of those that a restore takes besides the current one for the funds
   * of closed channels; null for none.
   */
  readonly inAlso: string | null;
  /** By the node; "unknown" for one that it has never heard of, null where it did not tell. */
  readonly state: SurveyedChannel["state"] | "closed" | "unknown" | null;
  /** Compressed public key, hex; null without a key, for a channel that the node does not have. */
  readonly peer: string | null;
  readonly capacitySat: number | null;
  /**
   * What the peer's closing transaction pays this node as things stand, before the fee of sweeping
   * it; of a closing channel, what is still to come. Null where nobody told the balance.
   */
  readonly comesBackSat: number | null;
  /** Of a closing channel: the height at which this node's own time lock ends; null if there is none yet. */
  readonly maturityHeight: number | null;
  /** In payments under way: whose it will be is open. */
  readonly inFlightSat: number | null;
  readonly commitment: CommitmentKind | null;
  /** Confirmations of the peer's closing transaction until what it pays can be spent. */
  readonly delayBlocks: number | null;
  /** Not before this height, whatever the delay: a lease that this node opened. */
  readonly notBeforeHeight: number | null;
  /**
   * How long this node's own commitment would hold its funds back. It does not count in a restore,
   * in which only the peer closes.
   */
  readonly ownCsvDelayBlocks: number | null;
  /** Whether the peer is connected now, and at which address; null where the node did not tell. */
  readonly connected: boolean | null;
  readonly connectedAt: string | null;
  /** It has dialled us, so the address is one that nobody else can dial. */
  readonly inbound: boolean | null;
  /**
   * "answers": an address took a connection. "no-answer": all were tried. "must-come": no address
   * that could be dialled. "not-tried": some were not.
   */
  readonly reach: "answers" | "no-answer" | "must-come" | "not-tried";
  readonly addresses: readonly DrilledAddress[];
}

/** What a drill has found. `drill --json` prints it. */
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
    /** Null if its time can't be right. */
    readonly ageSeconds: number | null;
  } | null;
  /** What a restore takes besides, by the pointer's word: the findings say what is wrong with it. */
  readonly also: readonly AlsoRestore[];
  /** Null: not asked, or no answer. `hash` is null where no hash was ever recorded. */
  readonly opened: {
    readonly hash: boolean | null;
    readonly key: boolean | null;
    readonly lnd: boolean | null;
  };
  /** Whether it holds every channel that the node has; null where no node was asked. */
  readonly covered: boolean | null;
  readonly counts: DrillCounts;
  readonly channels: readonly DrilledChannel[];
  /** What was found, problems first. `problems` and `warnings` are the same, for programs that know them. */
  readonly findings: readonly Finding[];
  /** What the verdict rests on. */
  readonly problems: readonly ToldFinding[];
  readonly warnings: readonly ToldFinding[];
  /** What was not looked at, and what to give so that it is. */
  readonly notChecked: readonly string[];
  /** Where the result is kept, relative to the node's folder; null where it is not. */
  readonly recordedAs: string | null;
}

export interface DrillCounts {
  /** In the backup; null where nobody opened it. */
  readonly inBackup: number | null;
  /** By the node: open, about to be, or restored and not closed yet. */
  readonly open: number | null;
  readonly missing: number | null;
  /** What would come back in all, of the channels that something holds; null where no balance is known. */
  readonly comesBackSat: number | null;
  /** Of that, or beside it, what is still to come of closing channels. */
  readonly limboSat: number | null;
  /** Of that, what nothing in the store would bring back. */
  readonly lostLimboSat: number | null;
}

/** Everything in a report but what was found. */
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

/** What kept the drill from looking: the next one may see it. A missing permission doesn't come back. */
const unseenCodes: readonly FindingCode[] = [
  "store-unread",
  "node-unread",
  "not-compared",
  "not-opened",
];

/**
 * Whether nothing but what it couldn't see keeps the verdict open: then it says nothing of the backup. A
 * doubt that it did see (the backup is old, an older pointer was restored) is a result.
 */
export function isInconclusive({ verdict, findings }: Pick<DrillReport, "verdict" | "findings">) {
  if (verdict !== "unknown") return false;
  const open = findings.filter(({ level }) => level === "unknown");
  return open.every(({ code }) => unseenCodes.includes(code));
}

/** Funds come back if something holds their channel that a restore would take. */
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
