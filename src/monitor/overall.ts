import { allNodes, type LocatedFinding, type Situation } from "../alerts/situation.ts";
import { findingOf, type Verdict } from "../checks/finding.ts";
import type { NodeReport, Round } from "./monitor.ts";

/** A watcher that has seen nothing for so long, and for three of its intervals, knows nothing. */
const leastSilenceMs = 5 * 60_000;

export function staleAfterMs(intervalMs: number): number {
  return Math.max(leastSilenceMs, 3 * intervalMs);
}

/** The worst of them; "unknown" if there is none. */
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

/** What is known of all nodes together; `round`: the last one, null before the first has ended. */
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
    return ofAll("unproved", `no look at ${where} has come to its end lately`);
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
      // That is the store's, and is told once.
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
