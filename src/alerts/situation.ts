import type { Finding, FindingCode, Verdict } from "../checks/finding.ts";

/** Stands in for a node's name in findings about all watched nodes. A real name can't have a space. */
export const allNodes = "all nodes";

/** A finding, and where it was found. */
export interface LocatedFinding {
  /** The name of the node's folder. */
  readonly node: string;
  /** The store's name, without secrets. */
  readonly store: string;
  readonly finding: Finding;
  /** Whether it is a warning only because `--require` lets the node's other stores make up for it. */
  readonly tolerated?: boolean;
}

/** The verdict, and what it rests on in the stores. */
export interface Proof {
  readonly verdict: Verdict;
  /** When enough stores were last read back and held what they should; null for never. Monotonic. */
  readonly provedAtMs: number | null;
}

/** What is known about everything that is watched, at one moment. */
export interface Situation extends Proof {
  /** May include warnings. Only those about stores that `--require` tolerates are reported. */
  readonly findings: readonly LocatedFinding[];
}

/** These don't go away on their own, so they are reported at once. */
const toldAtOnce: readonly FindingCode[] = [
  "refused",
  "drill-failed",
  "went-back",
  "version-missing",
  "version-damaged",
  "also-missing",
  "pointer-lost",
  "pointer-damaged",
  "pointer-behind",
  "wrong-node",
  "gap",
  "branch",
  "chain-broken",
  "metadata-wrong",
  "record-damaged",
  "stopped",
];

export function isToldAtOnce({ finding, tolerated = false }: LocatedFinding): boolean {
  return (finding.level === "problem" || tolerated) && toldAtOnce.includes(finding.code);
}

/** Whether people are told. A store that `--require` tolerates is one copy less, so they are. */
export function isTold({ finding, tolerated = false }: LocatedFinding): boolean {
  return finding.level !== "warning" || tolerated;
}

/** A store that doesn't answer causes all of these, one after the other; they count as one subject. */
const storeAway: readonly FindingCode[] = ["not-saved", "store-unread", "store-denied", "unproved"];
/** Findings about the node, which are the same whichever store it was compared with. */
const ofTheNode: readonly FindingCode[] = ["node-unread", "not-compared", "unknown-channels"];

/** Whether the finding is about the node and not about a store. */
export function isOfTheNode({ finding }: LocatedFinding): boolean {
  return ofTheNode.includes(finding.code);
}

/** Findings with the same subject are reported together, and count as one. */
export function subjectOf(located: LocatedFinding): string {
  const { node, store, finding } = located;
  const { code } = finding;
  if (isOfTheNode(located)) return `${node} ${code}`;
  return `${node} ${store} ${storeAway.includes(code) ? "away" : code}`;
}
