import { printable } from "../../runtime/foreign-text.ts";
import type { Moment } from "../../watched/moment.ts";
import { type NodesWatched, verdictAt, worstFirst } from "./record.ts";

/** More lines wouldn't help. */
const mostLines = 100;

/** Whether every node is safe and, if not, why: one line for each finding. */
export function nodesReadiness(
  watched: NodesWatched,
  now: Moment,
): {
  readonly isReady: boolean;
  readonly text: string;
} {
  const { last } = watched;
  const verdict = verdictAt(watched, now);
  const lines = worstFirst(last?.round.nodes ?? []).flatMap(({ node, findings }) =>
    findings
      .filter(({ level }) => level !== "warning")
      .map(({ code, level, store, message, remedy }) =>
        printable(`${node}: ${level} ${code} (${store}): ${message}: ${remedy}`),
      ),
  );
  const more = lines.length > mostLines ? [`and ${lines.length - mostLines} more`] : [];
  return {
    isReady: verdict === "safe",
    text: [verdict, ...lines.slice(0, mostLines), ...more, ""].join("\n"),
  };
}
