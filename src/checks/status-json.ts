import type { Finding, ToldFinding, Verdict } from "./finding.ts";
import { toldOf } from "./finding.ts";

/** The version that a store holds as current. */
export interface LatestVersion {
  readonly key: string;
  readonly sequence: number;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** ISO 8601. */
  readonly committedAt: string;
  readonly writer: string;
  /** How many channels it holds, according to whatever opened it, else as recorded when it was saved. */
  readonly channels: number | null;
}

/** The status of one store. */
export interface StoreStatus {
  /** The store's location. */
  readonly store: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly latest: LatestVersion | null;
  /** Null if it isn't known when it was saved. */
  readonly ageSeconds: number | null;
}

/** The status of a node: of all its stores together, and of each. */
export interface NodeStatus extends Pick<StoreStatus, "verdict" | "latest" | "ageSeconds"> {
  readonly node: string;
  readonly findings: readonly (Finding & { readonly store: string | null })[];
  readonly stores: readonly StoreStatus[];
}

/** The contract's fields of `status --json`, in their order. */
export function statusDocument({
  node,
  verdict,
  findings,
  latest,
  ageSeconds,
  stores,
}: NodeStatus) {
  return {
    node,
    healthy: verdict === "safe",
    problems: problemsOf(findings),
    latest,
    ageSeconds,
    verdict,
    findings,
    stores: stores.map((each) => ({
      store: each.store,
      healthy: each.verdict === "safe",
      latest: each.latest,
      ageSeconds: each.ageSeconds,
      problems: problemsOf(each.findings),
    })),
  };
}

/** The findings that a verdict rests on, each with its remedy. */
export function problemsOf(findings: readonly Finding[]): readonly ToldFinding[] {
  return findings.filter(({ level }) => level !== "warning").map(toldOf);
}
