import { withMonitor } from "../app/watch-nodes.ts";
import { allFailed } from "../checks/told.ts";
import type { NodeReport } from "../monitor/monitor.ts";
import { worstVerdict } from "../monitor/overall.ts";
import { worstFirst } from "../monitor/views/record.ts";
import { nodesStatus } from "../monitor/views/status.ts";
import { ScbError } from "../runtime/error.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { formatAge, type Terminal, table } from "./terminal.ts";

/** Does one round of `watch`. */
export const statusAllAction: Action = async (context) => {
  const { settings, terminal, json, signal } = context;
  if (settings.node !== undefined) {
    throw new ScbError(
      "usage",
      "--all means every node and --node means one: leave out one of them",
    );
  }
  const round = await withMonitor(context, (monitor) =>
    monitor.round(signal, (done, total) =>
      terminal.progress({ what: "looking at every node", done, total }),
    ),
  );
  const { nodes, away } = round;
  const stores = settings.to ?? [];
  if (away.length > 0 && away.length === stores.length) {
    throw allFailed(away.map(({ store: name, error }) => ({ name, error })));
  }
  if (nodes.length === 0) {
    throw new ScbError(
      "not-found",
      `there are no backups in ${stores.join(" or ")}: start scb-mirror run, or check --to`,
    );
  }
  if (json) terminal.json(nodesStatus(nodes));
  else {
    for (const { store, error } of away) {
      terminal.line(`${terminal.style("yellow", `${store} doesn't answer`)}: ${error.message}`);
    }
    printNodes(nodes, terminal);
  }
  return worstVerdict(nodes) === "safe" ? exitCodes.done : exitCodes.problemFound;
};

const words = { safe: "safe", unsafe: "NOT SAFE", unknown: "NOT KNOWN" } as const;
const styles = { safe: "green", unsafe: "red", unknown: "yellow" } as const;

function printNodes(nodes: readonly NodeReport[], terminal: Terminal): void {
  const sorted = worstFirst(nodes);
  const rows = sorted.map(({ node, verdict, latest, ageSeconds }) => [
    node,
    words[verdict],
    latest === null ? "nothing known" : `sequence ${latest.sequence}`,
    ageSeconds === null ? "" : `saved ${formatAge(ageSeconds)} ago`,
  ]);
  table(rows).forEach((line, index) => {
    const report = sorted[index];
    if (report === undefined) return;
    const word = words[report.verdict];
    terminal.line(line.replace(word, terminal.style(styles[report.verdict], word)));
    for (const { level, code, store, message, remedy } of report.findings) {
      if (level === "warning") continue;
      const where = report.stores.length > 1 ? `${store}: ` : "";
      terminal.line(`  ${code}: ${where}${message}: ${remedy}`);
    }
  });
  const count = (verdict: NodeReport["verdict"]): number =>
    nodes.filter((node) => node.verdict === verdict).length;
  const total = nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
  const bad = [
    [count("unsafe"), "not safe"],
    [count("unknown"), "not known"],
  ] as const;
  const texts = bad.filter(([found]) => found > 0).map(([found, word]) => `${found} ${word}`);
  terminal.line(`${total}: ${texts.length === 0 ? "all safe" : texts.join(", ")}`);
}
