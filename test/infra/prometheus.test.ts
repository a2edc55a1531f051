import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { findingKinds } from "../../src/checks/finding.ts";
import { nodesMetrics } from "../../src/monitor/views/metrics.ts";
import { newNodesWatched } from "../../src/monitor/views/record.ts";
import { errorCodes } from "../../src/runtime/error.ts";
import { metricsText, SwapDurations } from "../../src/watched/metrics.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { momentAt, started, swapped, told } from "../watched/story.ts";
import { root } from "./deployment.ts";

const folder = `${root}infra/prometheus/`;
const read = (file: string): string => readFileSync(folder + file, "utf8");

const ruleSchema = z.object({
  alert: z.string(),
  expr: z.string(),
  labels: z.object({ severity: z.enum(["critical", "warning"]) }),
  annotations: z.object({ summary: z.string(), description: z.string() }),
});
const rules = z
  .object({ groups: z.array(z.object({ rules: z.array(ruleSchema) })) })
  .parse(parse(read("scb-mirror.rules.yml")))
  .groups.flatMap((group) => group.rules);

const queriesSchema = z.object({
  templating: z.object({ list: z.array(z.object({ definition: z.string().optional() })) }),
  panels: z.array(
    z.object({
      title: z.string(),
      description: z.string(),
      targets: z.array(z.object({ expr: z.string() })),
    }),
  ),
});
const dashboard = queriesSchema.parse(JSON.parse(read("grafana-dashboard.json")));

/** The names in a text for Prometheus, with those that a histogram is stored under. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = "", type]) =>
    type === "histogram" ? ["bucket", "sum", "count"].map((part) => `${name}_${part}`) : [name],
  );
}

const runNames = namesIn(
  await metricsText(told(started, swapped(5, null)), momentAt(0), new SwapDurations()),
);
const watchNames = namesIn(
  await nodesMetrics(newNodesWatched("1.0.0", momentAt(0), 60_000), momentAt(0)),
);
const names = new Set([...runNames, ...watchNames]);

const queries: readonly (readonly [string, string])[] = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => [title, expr] as const),
  ),
  ...dashboard.templating.list.map(({ definition = "" }) => ["a variable", definition] as const),
];

describe("infra/prometheus", () => {
  for (const [where, query] of queries) {
    it(`${where}: asks for metrics that there are: ${query}`, () => {
      for (const name of query.match(/scb_mirror_\w+/g) ?? []) assert.ok(names.has(name), name);
    });

    it(`${where}: names codes that there are: ${query}`, () => {
      for (const [, code = ""] of query.matchAll(/code[!=~]+"([^"]+)"/g)) {
        for (const each of code.split("|")) assert.ok(each in findingKinds, each);
      }
      for (const [, code = ""] of query.matchAll(/outcome[!=~]+"([^"]+)"/g)) {
        for (const each of code.split("|")) assert.ok(errorCodes.some((known) => known === each));
      }
    });
  }

  it("uses every metric in the dashboard", () => {
    const text = read("grafana-dashboard.json");
    const bases = runNames.map((name) => name.replace(/_(?:sum|count)$/, "_bucket"));
    for (const name of bases) assert.ok(text.includes(name), name);
  });

  it("has each alert explained in docs/watching.md, and explains no others", () => {
    const explained = [
      ...readFileSync(`${root}docs/watching.md`, "utf8").matchAll(/^\| `(ScbMirror\w+)`/gm),
    ];
    assert.deepEqual(
      explained.map(([, alert]) => alert).sort(),
      rules.map(({ alert }) => alert).sort(),
    );
  });

  it("scrapes with the job that its rules expect", () => {
    assert.match(read("prometheus.yml"), /job_name: scb-mirror/);
  });
});

function run(
  command: string,
  ...args: readonly string[]
): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

peerSuite("infra/prometheus, by Prometheus's own tools", ["prometheus"], () => {
  for (const [command, ...args] of [
    ["promtool", "check", "rules", "scb-mirror.rules.yml"],
    ["promtool", "test", "rules", "scb-mirror.rules.test.yml"],
    ["promtool", "check", "config", "prometheus.yml"],
    ["amtool", "check-config", "alertmanager.yml"],
  ] as const) {
    it(`${command} ${args.join(" ")}`, () => {
      const { status, output } = run(command, ...args);
      assert.equal(status, 0, output);
    });
  }

  it("has a test for every alert, which fails without the alert", () => {
    const work = mkdtempSync(join(tmpdir(), "scb-rules-"));
    try {
      writeFileSync(join(work, "scb-mirror.rules.test.yml"), read("scb-mirror.rules.test.yml"));
      for (const { alert } of rules) {
        const text = read("scb-mirror.rules.yml").replace(`alert: ${alert}\n`, "alert: Another\n");
        writeFileSync(join(work, "scb-mirror.rules.yml"), text);
        const { status } = run(
          "promtool",
          "test",
          "rules",
          join(work, "scb-mirror.rules.test.yml"),
        );
        assert.notEqual(status, 0, alert);
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });

  it("has expressions in the dashboard that Prometheus can read", () => {
    const work = mkdtempSync(join(tmpdir(), "scb-queries-"));
    const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const record = exprs.map((expr, at) => ({
      record: `panel:${at}`,
      expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$node", ".*"),
    }));
    const file = join(work, "rules.yml");
    try {
      writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules: record }] }));
      const { status, output } = run("promtool", "check", "rules", file);
      assert.equal(status, 0, output);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
});
