import type { Verdict } from "../../checks/finding.ts";
import { ageMs, type Moment } from "../../watched/moment.ts";
import type { NodeReport, Round } from "../monitor.ts";
import { staleAfterMs, worstVerdict } from "../overall.ts";

/** Everything known about the watched nodes. It is immutable: every view is a function of it and the time. */
export interface NodesWatched {
  readonly version: string;
  readonly startedAt: Moment;
  /** The last round, and when it ended; null before the first. */
  readonly last: { readonly round: Round; readonly at: Moment } | null;
  /** As of that round: see `verdictAt`. */
  readonly verdict: Verdict;
  /** A look older than this no longer proves anything. */
  readonly staleMs: number;
  /** When each node's verdict became what it is. */
  readonly since: ReadonlyMap<string, Moment>;
}

/** A monitor that has just started: it hasn't looked at anything, so nothing is known. */
export function newNodesWatched(
  version: string,
  startedAt: Moment,
  intervalMs: number,
): NodesWatched {
  const staleMs = staleAfterMs(intervalMs);
  return { version, startedAt, last: null, verdict: "unknown", staleMs, since: new Map() };
}

/** What is known after a round, which ended at `at`. */
export function afterRound(before: NodesWatched, round: Round, at: Moment): NodesWatched {
  const known = new Map(before.last?.round.nodes.map(({ node, verdict }) => [node, verdict]));
  const since = new Map(
    round.nodes.map(({ node, verdict }) => [
      node,
      known.get(node) === verdict ? (before.since.get(node) ?? at) : at,
    ]),
  );
  return { ...before, last: { round, at }, verdict: worstVerdict(round.nodes), since };
}

/** The present verdict of all nodes together. "safe" becomes "unknown" with age. */
export function verdictAt(watched: NodesWatched, now: Moment): Verdict {
  const { verdict } = watched;
  return verdict === "safe" && isStaleAt(watched, now) ? "unknown" : verdict;
}

/** Whether the last look was too long ago. */
export function isStaleAt({ last, staleMs }: NodesWatched, now: Moment): boolean {
  return last === null || ageMs(last.at, now) > staleMs;
}

const order = { unsafe: 0, unknown: 1, safe: 2 } as const;

/** Worst first, then by name. */
export function worstFirst(nodes: readonly NodeReport[]): readonly NodeReport[] {
  return [...nodes].sort(
    (a, b) => order[a.verdict] - order[b.verdict] || (a.node < b.node ? -1 : 1),
  );
}
