import type { CommitmentKind, SurveyedChannel } from "../../chanbackup/node-survey.ts";
import type { DialResult } from "../../node/peer-dialler.ts";

/** What makes it certain that a restore today would fail, or bring back less than it should. */
export const drillFailures = [
  "no-backup",
  "pointer-lost",
  "pointer-damaged",
  "version-missing",
  "version-damaged",
  "store-denied", // these credentials would not do in an emergency either
  "wrong-key", // the key that was given does not open it
  "wrong-node", // the node cannot open it
  "not-covered", // channels of the node are not in it
] as const;

/** What kept the drill from looking: the next one may find out. */
export const drillGaps = [
  "not-opened", // nothing was given that could open it
  "not-compared", // the node was to be asked, and did not tell its channels
  "store-unreached",
] as const;

/** What was found, and leaves it open. */
export const drillDoubts = [
  "stale", // and no node was asked whether its channels are all in it
  "pointer-behind", // newer versions are there, and no node was asked
  "unknown-channels", // it holds channels that the node has never heard of
] as const;

/** What an operator should know though a restore would work. */
export const drillWarnings = [
  "stale-address", // the peer announces none of the addresses in the backup
  "no-address", // none that can be dialled: the peer has to come to us
  "no-answer", // no address of a peer that is not connected took a connection
  "not-recorded",
] as const;

export type DrillProblemCode =
  | (typeof drillFailures)[number]
  | (typeof drillGaps)[number]
  | (typeof drillDoubts)[number];
export type DrillVerdict = "would-restore" | "would-not-restore" | "unknown";

export interface DrillProblem {
  readonly code: DrillProblemCode;
  readonly message: string;
}

export interface DrillWarning {
  readonly code: (typeof drillWarnings)[number];
  readonly message: string;
}

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
    readonly ageSeconds: number;
  } | null;
  /** Null: not asked. `hash` is null where no hash was ever recorded. */
  readonly opened: {
    readonly hash: boolean | null;
    readonly key: boolean | null;
    readonly lnd: boolean | null;
  };
  /** Whether it holds every channel that the node has; null where no node was asked. */
  readonly covered: boolean | null;
  readonly counts: DrillCounts;
  readonly channels: readonly DrilledChannel[];
  readonly problems: readonly DrillProblem[];
  readonly warnings: readonly DrillWarning[];
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
  /** What would come back in all; null where no balance is known. */
  readonly comesBackSat: number | null;
}

export function verdictOf(problems: readonly DrillProblem[]): DrillVerdict {
  if (hasOneOf(problems, drillFailures)) return "would-not-restore";
  return problems.length === 0 ? "would-restore" : "unknown";
}

/** Whether something kept it from looking, and nothing that it saw is wrong: it says nothing new. */
export function isInconclusive({ verdict, problems }: Pick<DrillReport, "verdict" | "problems">) {
  return verdict === "unknown" && hasOneOf(problems, drillGaps);
}

function hasOneOf(problems: readonly DrillProblem[], codes: readonly DrillProblemCode[]): boolean {
  return problems.some(({ code }) => codes.includes(code));
}
