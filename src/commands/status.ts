import { checkStatus, type StatusReport } from "../checks/status.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import { formatAge, formatSize, type Terminal, table } from "./terminal.ts";

export const statusAction: Action = async (context) => {
  const { settings, clock, signal, terminal, json } = context;
  const report = await withNodeStore(context, ({ node, store, witness }) =>
    checkStatus({
      store,
      node,
      now: clock.now(),
      maxAgeMs: settings["max-age"],
      witness,
      signal,
    }),
  );
  if (json) terminal.json(report);
  else printStatus(report, terminal);
  return report.healthy ? exitCodes.done : exitCodes.problemFound;
};

function printStatus(report: StatusReport, terminal: Terminal): void {
  const verdict = report.healthy
    ? terminal.style("green", "healthy")
    : terminal.style("red", "NOT healthy");
  terminal.line(`${terminal.style("bold", report.node)}: ${verdict}`);
  for (const { code, message } of report.problems) {
    terminal.line(`  ${terminal.style("red", code)}: ${message}`);
  }
  const { latest, ageSeconds, covered, lastDrill, lastRestore } = report;
  if (latest === null || ageSeconds === null) return;
  const cover = {
    true: "every channel that the node has open now",
    false: terminal.style("red", "NOT every channel that the node has open now"),
    null: "unknown: not compared with the node (give --from lnd to do so)",
  }[`${covered}`];
  const rows = [
    ["current", `sequence ${latest.sequence}, ${latest.key}`],
    ["saved", `${formatAge(ageSeconds)} ago (${latest.committedAt}) by ${latest.writer}`],
    [
      "content",
      `${latest.channels ?? "unknown"} channels, ${formatSize(latest.sizeBytes)}, sha256 ${latest.sha256}`,
    ],
    ["covers", cover],
    [
      "last drill",
      lastDrill === null
        ? "none yet: scb-mirror drill shows that a restore would work"
        : `${formatAge(lastDrill.ageSeconds)} ago: ${lastDrill.verdict}`,
    ],
    ...(lastRestore === null
      ? []
      : [["restored", `sequence ${lastRestore.sequence ?? "unknown"} at ${lastRestore.at}`]]),
  ];
  for (const line of table(rows)) terminal.line(`  ${line}`);
}
