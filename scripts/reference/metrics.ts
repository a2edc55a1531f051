import { metricTable } from "../../src/watched/metric-table.ts";
import { table } from "../generated-page.ts";

export function metricsPage(): string {
  const rows = Object.entries(metricTable).map(
    ([name, { type, labels, help, servedBy, ...more }]) => {
      const ofWatch = "watchHelp" in more ? ` With \`watch\`: ${lowered(more.watchHelp)}` : "";
      return [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(", "),
        servedBy.map((command) => `\`${command}\``).join(", "),
        `${help}${ofWatch}`,
      ];
    },
  );
  return `${introduction}\n\n${table(["metric", "type", "labels", "of", "meaning"], rows)}\n`;
}

function lowered(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

const introduction = `# Metrics

\`run --listen\` and \`watch --listen\` serve these at \`/metrics\`, in the text format of Prometheus.
[Watching a mirror](../watching.md) shows how to use them, and has alert rules and a dashboard.

A number that isn't known is left out: an alert on \`absent()\` notices it. Times are seconds since 1970. \`node\` is the
node's folder, \`store\` the store's name, \`code\` and \`level\` those of a [finding](../findings.md). \`outcome\` is
\`ok\` or the code of an [error](exit-codes.md#error-codes). The \`state\` of a channel is \`open\` or \`limbo\` by the node,
\`covered\` or \`missing\` by the store.

This page is made from the code: \`npm run generate:reference\`.`;
