import { Gauge, Registry } from "prom-client";
import { type Moment, wallTimeOf } from "../../watched/moment.ts";
import { isStaleAt, type NodesWatched } from "./record.ts";

/** The record as Prometheus reads it: the metrics of `run` that a store alone can tell, for each node. */
export function nodesMetrics(watched: NodesWatched, now: Moment): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, ...labelNames: readonly string[]) => {
    const full = `scb_mirror_${name}`;
    const metric = new Gauge({ name: full, help, labelNames, registers: [registry] });
    return (labels: Readonly<Record<string, string>>, value: number): void =>
      metric.set({ ...labels }, value);
  };
  const info = gauge("info", "Always 1. The program's version.", "node", "version", "source");
  const safe = gauge(
    "safe",
    "1 while the verdict is safe; 0 while it is unsafe or unknown.",
    "node",
  );
  const finding = gauge(
    "finding",
    "1 for each finding that the verdict rests on.",
    "node",
    "store",
    "code",
    "level",
  );
  const sequence = gauge(
    "sequence",
    "The sequence of the current version; 0 for none.",
    "node",
    "store",
  );
  const confirmed = gauge(
    "confirmed_timestamp_seconds",
    "When the store was last seen to hold what it should, or else when that was last read back; 0 for never.",
    "node",
    "store",
  );
  const channels = gauge(
    "channels",
    "Channels that the store covers, by what was known when they were saved.",
    "node",
    "store",
    "state",
  );
  const drillTime = gauge(
    "drill_timestamp_seconds",
    "When the newest drill that is known was made.",
    "node",
    "store",
  );
  const drillOk = gauge(
    "drill_ok",
    "1 if that drill showed that a restore would work.",
    "node",
    "store",
  );
  const ended = gauge("watch_round_timestamp_seconds", "When the last look at all nodes ended.");
  const took = gauge("watch_round_duration_seconds", "How long that look took.");
  if (watched.last !== null) {
    ended({}, wallTimeOf(watched.last.at, now) / 1000);
    took({}, watched.last.round.tookMs / 1000);
  }
  const endedAt = watched.last === null ? null : wallTimeOf(watched.last.at, now);
  const isStale = isStaleAt(watched, now);
  for (const report of watched.last?.round.nodes ?? []) {
    const { node, verdict, findings, stores, readBackAt, lastDrill } = report;
    info({ node, version: watched.version, source: "" }, 1);
    safe({ node }, verdict === "safe" && !isStale ? 1 : 0);
    for (const { store, code, level } of findings) finding({ node, store, code, level }, 1);
    for (const { store, latest, verdict: own } of stores) {
      sequence({ node, store }, latest?.sequence ?? 0);
      confirmed({ node, store }, ((own === "safe" ? endedAt : readBackAt) ?? 0) / 1000);
      if (latest?.channels != null) channels({ node, store, state: "covered" }, latest.channels);
    }
    if (lastDrill === null) continue;
    // It is of the store that holds the newest state.
    const store = stores.find((one) => one.latest?.key === report.latest?.key)?.store ?? "";
    drillTime({ node, store }, Date.parse(lastDrill.at) / 1000);
    drillOk({ node, store }, lastDrill.ok ? 1 : 0);
  }
  return registry.metrics();
}
