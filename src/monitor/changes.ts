import type { StoreFinding } from "../checks/stores-verdict.ts";
import type { ScbError } from "../runtime/error.ts";
import type { NodeReport, Round } from "./monitor.ts";

/** What changed from one round to the next. */
export type MonitorEvent =
  /** A node's verdict, or its findings, changed. */
  | { readonly kind: "verdict"; readonly report: NodeReport }
  /** A store doesn't answer: it isn't known what it holds for any node. */
  | { readonly kind: "retrying"; readonly store: string; readonly error: ScbError }
  | { readonly kind: "recovered"; readonly store: string };

/**
 * Compares rounds. A store that doesn't answer is reported once, not for each node; other changes of a node
 * are still reported meanwhile.
 */
export class Changes {
  #away: ReadonlySet<string> = new Set();
  /** For each node, what was last reported about each of its stores. */
  readonly #told = new Map<string, ReadonlyMap<string, string>>();

  hear({ nodes, away }: Round): readonly MonitorEvent[] {
    const events: MonitorEvent[] = [];
    const now = new Set(away.map(({ store }) => store));
    for (const { store, error } of away) {
      if (!this.#away.has(store)) events.push({ kind: "retrying", store, error });
    }
    for (const store of this.#away) {
      if (!now.has(store)) events.push({ kind: "recovered", store });
    }
    this.#away = now;
    for (const report of nodes) if (this.#isNews(report)) events.push({ kind: "verdict", report });
    return events;
  }

  #isNews({ node, findings, stores }: NodeReport): boolean {
    const before = this.#told.get(node);
    const told = new Map(before);
    let isNews = false;
    for (const { store } of stores) {
      // While the store doesn't answer, what was known about it still stands.
      if (this.#away.has(store)) continue;
      const mark = markOf(findings.filter((finding) => finding.store === store));
      isNews ||= before?.get(store) !== mark;
      told.set(store, mark);
    }
    this.#told.set(node, told);
    return isNews;
  }
}

function markOf(findings: readonly StoreFinding[]): string {
  return findings
    .map(({ code, level }) => `${code} ${level}`)
    .sort()
    .join("\n");
}
