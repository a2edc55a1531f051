import type { Finding, FindingCode, Verdict } from "../checks/finding.ts";

/** In place of a node's name, which can't have a space: what is the same for all that are watched. */
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
  /** When enough of the stores were last read back and held what they should; null for never. Monotonic. */
  readonly provedAtMs: number | null;
}

/** What is known of everything that is looked after, at one moment. */
export interface Situation extends Proof {
  /** People are told of all but warnings that no `--require` tolerates. */
  readonly findings: readonly LocatedFinding[];
}

/** Nothing that time heals: each of these is told at once. */
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

/** A store that `--require` tolerates is one copy less, which nobody would notice otherwise. */
export function isTold({ finding, tolerated = false }: LocatedFinding): boolean {
  return finding.level !== "warning" || tolerated;
}

/** One store that is away shows itself in each of these, one after the other: it is told once. */
const storeAway: readonly FindingCode[] = ["not-saved", "store-unread", "store-denied", "unproved"];
/** What is found of the node is the same whichever store it was compared with. */
const ofTheNode: readonly FindingCode[] = ["node-unread", "not-compared", "unknown-channels"];

/** Whether it says nothing of a store. */
export function isOfTheNode({ finding }: LocatedFinding): boolean {
  return ofTheNode.includes(finding.code);
}

/** Findings of one subject are told together, and count as one. */
export function subjectOf(located: LocatedFinding): string {
  const { node, store, finding } = located;
  const { code } = finding;
  if (isOfTheNode(located)) return `${node} ${code}`;
  return `${node} ${store} ${storeAway.includes(code) ? "away" : code}`;
}
