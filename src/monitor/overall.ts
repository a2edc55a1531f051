import { allNodes, type LocatedFinding, type Situation } from "../alerts/situation.ts";
import { findingOf, type Verdict } from "../checks/finding.ts";
import type { NodeReport, Round } from "./monitor.ts";

/** After this long, and three intervals, without a completed look, nothing is known. */
const leastSilenceMs = 5 * 60_000;

export function staleAfterMs(intervalMs: number): number {
  return Math.max(leastSilenceMs, 3 * intervalMs);
}

/** The worst verdict of all nodes; "unknown" if there are none. */
export function worstVerdict(nodes: readonly Pick<NodeReport, "verdict">[]): Verdict {
  const verdicts = new Set(nodes.map(({ verdict }) => verdict));
  if (verdicts.has("unsafe")) return "unsafe";
  return verdicts.has("unknown") || nodes.length === 0 ? "unknown" : "safe";
}

export interface SituationOptions {
  /** The stores' names. */
  readonly stores: readonly string[];
  readonly intervalMs: number;
  /** Monotonic. */
  readonly nowMs: number;
}

/** What is known about all nodes together. `round`: the last one; null before the first has ended. */
export function situationOf(
  round: Round | null,
  { stores, intervalMs, nowMs }: SituationOptions,
): Situation {
  if (round === null) return { verdict: "unknown", provedAtMs: null, findings: [] };
  const where = stores.join(" and ");
  const ofAll = (code: "unproved" | "no-backup", message: string): Situation => ({
    verdict: "unknown",
    provedAtMs: null,
    findings: [{ node: allNodes, store: where, finding: findingOf(code, where, message) }],
  });
  const endedMs = round.begunMs + round.tookMs;
  if (nowMs - endedMs > staleAfterMs(intervalMs)) {
    return ofAll("unproved", `no check of ${where} has finished lately`);
  }
  const awayNames = new Set(round.away.map(({ store }) => store));
  const verdict = worstVerdict(round.nodes);
  const tolerated = verdict === "safe";
  const away = round.away.map(({ store, error }): LocatedFinding => {
    const level = tolerated ? { level: "warning" as const } : {};
    const finding = findingOf("store-unread", store, error.message, level);
    return { node: allNodes, store, finding, tolerated };
  });
  if (round.nodes.length === 0 && away.length === 0) {
    return ofAll("no-backup", `there are no backups in ${where}`);
  }
  const ofNodes = round.nodes.flatMap(({ node, findings }) =>
    findings
      // A store that doesn't answer is reported once, not for each node.
      .filter(({ store, code }) => !(awayNames.has(store) && code.startsWith("store-")))
      .map(
        ({ store, tolerated, ...finding }): LocatedFinding => ({
          node,
          store,
          finding,
          tolerated,
        }),
      ),
  );
  return {
    verdict,
    provedAtMs: verdict === "safe" ? endedMs : null,
    findings: [...away, ...ofNodes],
  };
}
