import { Registry } from "prom-client";
import { metricsIn } from "../../watched/metric-table.ts";
import { type Moment, wallTimeOf } from "../../watched/moment.ts";
import { isStaleAt, type NodesWatched } from "./record.ts";

/** The record in Prometheus's format: for each node, those metrics of `run` that the stores alone show. */
export function nodesMetrics(watched: NodesWatched, now: Moment): Promise<string> {
  const registry = new Registry();
  const { gauge } = metricsIn(registry, "watch");
  const info = gauge("scb_mirror_info");
  const safe = gauge("scb_mirror_safe");
  const finding = gauge("scb_mirror_finding");
  const sequence = gauge("scb_mirror_sequence");
  const confirmed = gauge("scb_mirror_confirmed_timestamp_seconds");
  const channels = gauge("scb_mirror_channels");
  const drillTime = gauge("scb_mirror_drill_timestamp_seconds");
  const drillOk = gauge("scb_mirror_drill_ok");
  const ended = gauge("scb_mirror_watch_round_timestamp_seconds");
  const took = gauge("scb_mirror_watch_round_duration_seconds");
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
    // The report has the drill of the store with the newest state.
    const store = stores.find((one) => one.latest?.key === report.latest?.key)?.store ?? "";
    drillTime({ node, store }, Date.parse(lastDrill.at) / 1000);
    drillOk({ node, store }, lastDrill.ok ? 1 : 0);
  }
  return registry.metrics();
}
