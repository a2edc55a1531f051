import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { metricTable } from "../../src/watched/metric-table.ts";
import { metricsText, SwapDurations } from "../../src/watched/metrics.ts";
import type { Watched } from "../../src/watched/record.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import {
  bucket,
  finding,
  momentAt,
  started,
  startedAt,
  surveyed,
  swapped,
  told,
  verdict,
} from "./story.ts";

const read = { kind: "confirmed", store: bucket } as const;

function scrape(watched: Watched, durations = new SwapDurations()): Promise<string> {
  return metricsText(watched, momentAt(60_000), durations);
}

/** A line's value, by the metric's name and those labels that matter. */
function sample(text: string, name: string, ...labels: readonly string[]): number | null {
  const line = text
    .split("\n")
    .find((each) => each.startsWith(`${name}{`) && labels.every((label) => each.includes(label)));
  return line === undefined ? null : Number(line.split(" ").at(-1));
}

const busy = told(
  started,
  { kind: "requested", store: bucket, operation: "put", outcome: "store-busy" },
  swapped(5, ["aa:0"]),
  read,
  surveyed(["aa:0", "bb:1"], ["cc:2"]),
  {
    kind: "drilled",
    store: bucket,
    at: startedAt,
    ok: true,
    verdict: "would-restore",
    isNew: true,
  },
  { kind: "refused", store: bucket, code: "empty", message: "m", quarantineKey: "q" },
  verdict(finding("refused"), finding("node-unread")),
);

describe("the metrics", () => {
  const cases: readonly (readonly [string, readonly string[], number | null])[] = [
    ["scb_mirror_info", ['node="alice"', 'version="0.1.0"'], 1],
    ["scb_mirror_safe", ['node="alice"'], 0],
    ["scb_mirror_finding", [`store="${bucket}"`, 'code="refused"', 'level="problem"'], 1],
    ["scb_mirror_finding", ['code="node-unread"', 'level="unknown"'], 1],
    ["scb_mirror_sequence", [`store="${bucket}"`], 5],
    ["scb_mirror_confirmed_timestamp_seconds", [], startedAt / 1000 + 4],
    ["scb_mirror_channels", ['state="open"'], 2],
    ["scb_mirror_channels", ['state="limbo"'], 1],
    ["scb_mirror_channels", ['state="covered"'], 1],
    ["scb_mirror_channels", ['state="missing"'], 2],
    ["scb_mirror_swaps_total", ['result="swapped"'], 1],
    ["scb_mirror_swaps_total", ['result="refused"'], 1],
    ["scb_mirror_swaps_total", ['result="lost"'], 0],
    ["scb_mirror_store_requests_total", ['operation="put"', 'outcome="store-busy"'], 1],
    ["scb_mirror_node_connected", [], 1],
    ["scb_mirror_drill_timestamp_seconds", [], startedAt / 1000],
    ["scb_mirror_drill_ok", [], 1],
    ["scb_mirror_quarantined", [], 1],
  ];
  for (const [name, labels, value] of cases) {
    it(`${name} ${labels.join(" ")}`, async () => {
      assert.equal(sample(await scrape(busy), name, ...labels), value);
    });
  }

  it("say safe only for the verdict safe", async () => {
    assert.equal(sample(await scrape(told(started, verdict())), "scb_mirror_safe"), 1);
    assert.equal(sample(await scrape(told(started)), "scb_mirror_safe"), 0);
  });

  it("say 0 for a store that was never proved to hold the state", async () => {
    const text = await scrape(told(started, swapped(5, null)));
    assert.equal(sample(text, "scb_mirror_confirmed_timestamp_seconds"), 0);
  });

  it("don't say how many channels are missing if that isn't known", async () => {
    const text = await scrape(told(started, swapped(5, ["aa:0"])));
    assert.equal(sample(text, "scb_mirror_channels", 'state="covered"'), 1);
    assert.equal(sample(text, "scb_mirror_channels", 'state="missing"'), null);
  });

  it("count how long swaps took", async () => {
    const durations = new SwapDurations();
    for (const elapsedMs of [20, 1500]) durations.hear("alice", swapped(5, null, elapsedMs));
    const text = await scrape(busy, durations);
    const name = "scb_mirror_swap_duration_seconds";
    assert.equal(sample(text, `${name}_bucket`, 'le="0.025"'), 1);
    assert.equal(sample(text, `${name}_bucket`, 'le="2"', 'node="alice"'), 2);
    assert.equal(sample(text, `${name}_count`), 2);
    // A registry lives for one scrape: the next one must say the same.
    assert.equal(await scrape(busy, durations), text);
  });

  it("have the names of the contract, and no others", async () => {
    const text = await scrape(busy);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.deepEqual(names.sort(), metricNames);
  });

  it("keep foreign text inside its label", async () => {
    const source = 'a"b\nscb_mirror_safe{} 1\\';
    const text = await scrape(told({ ...started, source }));
    assert.ok(text.includes(String.raw`source="a\"b\nscb_mirror_safe{} 1\\"`));
    assert.equal(sample(text, "scb_mirror_safe"), 0);
  });
});

const metricNames = [
  "scb_mirror_channels",
  "scb_mirror_confirmed_timestamp_seconds",
  "scb_mirror_drill_ok",
  "scb_mirror_drill_timestamp_seconds",
  "scb_mirror_finding",
  "scb_mirror_info",
  "scb_mirror_node_connected",
  "scb_mirror_quarantined",
  "scb_mirror_safe",
  "scb_mirror_sequence",
  "scb_mirror_store_requests_total",
  "scb_mirror_swap_duration_seconds",
  "scb_mirror_swaps_total",
];

peerSuite("the metrics, as Prometheus reads them", ["prometheus"], () => {
  it("promtool finds nothing wrong", async () => {
    const durations = new SwapDurations();
    durations.hear("alice", swapped(5, null));
    const input = await scrape(busy, durations);
    const { status, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input,
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
  });

  it("promtool would find something wrong", () => {
    const input = "# TYPE scb_mirror_safe gauge\nscb_mirror_safe{node=alice} 1\n";
    assert.notEqual(spawnSync("promtool", ["check", "metrics"], { input }).status, 0);
  });
});

it("the table has the contract's names", () => {
  const names = Object.keys(metricTable);
  for (const name of metricNames) assert.ok(names.includes(name), name);
});
