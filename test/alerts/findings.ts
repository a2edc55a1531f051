import type { LocatedFinding, Situation } from "../../src/alerts/situation.ts";
import { type FindingCode, findingOf, verdictOf } from "../../src/checks/finding.ts";

export const node = "alice";
export const storeName = "s3://bucket/lightning";

/** A finding of one store. */
export function found(
  code: FindingCode,
  store = storeName,
  message = `seen: ${code}`,
): LocatedFinding {
  return { node, store, finding: findingOf(code, store, message) };
}

export function situation(...findings: readonly LocatedFinding[]): Situation {
  return { verdict: verdictOf(findings.map(({ finding }) => finding)), findings };
}
