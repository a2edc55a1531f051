import type { AlertKind, AlertMessage, ToldTrouble } from "../../src/alerts/alert-message.ts";
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

/** As it is told if `--require` lets the node's other stores make up for it. */
export function tolerated(code: FindingCode, store?: string): LocatedFinding {
  const { finding, ...where } = found(code, store);
  return { ...where, finding: { ...finding, level: "warning" }, tolerated: true };
}

export function situation(...findings: readonly LocatedFinding[]): Situation {
  const verdict = verdictOf(findings.map(({ finding }) => finding));
  return { verdict, provedAtMs: null, findings };
}

/** A message of seven minutes past one, of what began at one. */
export function troubled(
  kind: AlertKind,
  ...findings: readonly (LocatedFinding & Partial<ToldTrouble>)[]
): AlertMessage {
  const states = { alert: "new", reminder: "still", over: "over", test: "new" } as const;
  const troubles = findings.map((it) => ({
    state: states[kind],
    since: Date.UTC(2026, 10, 30, 1, 0),
    times: 1,
    ...it,
  }));
  const open = troubles.filter(({ state }) => state !== "over");
  const verdict = verdictOf(open.map(({ finding }) => finding));
  return { kind, verdict, at: Date.UTC(2026, 10, 30, 1, 7), troubles };
}
