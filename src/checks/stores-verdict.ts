import { type Finding, type FindingCode, type Verdict, verdictOf } from "./finding.ts";
import { neededOf, type Requirement } from "./requirement.ts";

/** The judgement of one store. */
export interface StoreJudgement {
  /** The store's name: see `storeName`. */
  readonly store: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

/** A finding, and the store that it is about. */
export interface StoreFinding extends Finding {
  readonly store: string;
  /** Whether it is a warning only because enough of the node's other stores are safe. */
  readonly tolerated: boolean;
}

/**
 * Findings that no other store makes up for: a guard refused the node's state, or a store holds a newer
 * state than those that are safe.
 */
const alwaysCounts: readonly FindingCode[] = ["refused", "store-ahead"];

/**
 * Says whether a node with several stores is safe, from the judgement of each. Enough of them have to be
 * safe on their own; then the other stores' findings are warnings. What is known about one store never
 * makes up for another. No I/O, no clock.
 */
export function judgeStores(
  judged: readonly StoreJudgement[],
  requirement: Requirement,
): { readonly verdict: Verdict; readonly findings: readonly StoreFinding[] } {
  const safe = judged.filter(({ verdict }) => verdict === "safe").length;
  const isEnough = safe > 0 && safe >= neededOf(requirement, judged.length);
  const findings = judged.flatMap(({ store, verdict, findings: own }) =>
    own.map((finding): StoreFinding => {
      const tolerated =
        isEnough &&
        verdict !== "safe" &&
        finding.level !== "warning" &&
        !alwaysCounts.includes(finding.code);
      return { ...finding, store, level: tolerated ? "warning" : finding.level, tolerated };
    }),
  );
  const order = { problem: 0, unknown: 1, warning: 2 };
  findings.sort((a, b) => order[a.level] - order[b.level]);
  const verdict = verdictOf(findings);
  // A store that isn't safe has at least one finding that says why.
  return { verdict: isEnough || verdict !== "safe" ? verdict : "unknown", findings };
}
