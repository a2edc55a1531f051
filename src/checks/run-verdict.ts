import { busyLookIntervalMs } from "../chanbackup/look.ts";
import type { ScbError } from "../runtime/error.ts";
import { type Finding, type FindingCode, findingOf, type Verdict, verdictOf } from "./finding.ts";

/** What a running mirror has seen of its node and one store. Times are of its monotonic clock. */
export interface RunEvidence {
  readonly atMs: number;
  /** The store's location: holds no secret. */
  readonly store: string;
  /** Since when a known state hasn't been saved; null if everything is. */
  readonly unsavedSinceMs: number | null;
  /** What keeps it from being saved; null for nothing. */
  readonly trouble: ScbError | null;
  /** Why the node can't be heard; null if it can. */
  readonly nodeTrouble: ScbError | null;
  /** What a guard has refused since the last swap. */
  readonly refusal: { readonly message: string; readonly key: string | null } | null;
  /** What the store has lost since it was last proved to hold the node's state. */
  readonly lost: ScbError | null;
  /** When the store was last read back and held what this mirror saved; null for never. */
  readonly provedAtMs: number | null;
  /** Closed channels with funds in limbo that no version holds. */
  readonly uncovered: readonly string[];
  /** What is wrong with older versions that a restore also needs. */
  readonly missingAlso: readonly ScbError[];
  /** What the last drill found, if it failed. */
  readonly drillFailure: string | null;
}

export interface RunPolicy {
  /** How often an idle mirror reads its store again. */
  readonly lookIntervalMs: number;
}

/** Faults in the store that a person has to fix, and that have a code and remedy of their own. */
const storeFaults = ["pointer-lost", "pointer-damaged", "wrong-node"] as const;

/** A swap that takes longer counts as stuck. */
const swapTakesMs = 10_000;

/** Judges whether the node is safe, from what its mirror has seen. Like `judge`: no I/O, no clock. */
export function judgeRun(
  evidence: RunEvidence,
  { lookIntervalMs }: RunPolicy,
): { readonly verdict: Verdict; readonly findings: readonly Finding[] } {
  const { atMs, store, unsavedSinceMs, trouble, nodeTrouble, refusal, lost, provedAtMs } = evidence;
  const findings: Finding[] = [];
  const found = (code: FindingCode, message: string): void => {
    findings.push(findingOf(code, store, message));
  };
  if (lost !== null)
    found(lost.code === "went-back" ? "went-back" : "version-damaged", lost.message);
  const isStuck =
    unsavedSinceMs !== null && (trouble !== null || atMs - unsavedSinceMs > swapTakesMs);
  if (isStuck) {
    const code = storeFaults.find((fault) => fault === trouble?.code) ?? "not-saved";
    found(
      code,
      `the node's latest state isn't saved: ${trouble?.message ?? "saving takes too long"}`,
    );
  }
  if (refusal !== null) {
    const kept = refusal.key === null ? "" : `, which is kept as ${refusal.key}`;
    found("refused", `a guard refused a newer backup${kept}: ${refusal.message}`);
  }
  if (evidence.uncovered.length > 0) {
    const points = evidence.uncovered.slice(0, 3).join(", ");
    found(
      "limbo-not-covered",
      `nothing in ${store} holds ${evidence.uncovered.length} closed channels whose funds haven't reached the wallet (${points})`,
    );
  }
  for (const { message } of evidence.missingAlso) {
    found(
      "also-missing",
      `${message}: a restore needs it, and nothing else was found to take its place`,
    );
  }
  if (evidence.drillFailure !== null) found("drill-failed", evidence.drillFailure);
  if (nodeTrouble !== null) found("node-unread", nodeTrouble.message);
  // Two looks in a row are overdue.
  const looksMs = 2 * Math.max(lookIntervalMs, busyLookIntervalMs);
  if (provedAtMs === null || atMs - provedAtMs > looksMs + swapTakesMs) {
    found("unproved", `${store} hasn't been read back lately`);
  }
  return { verdict: verdictOf(findings), findings };
}
