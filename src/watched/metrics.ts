import { Histogram, Registry } from "prom-client";
import type { WatchedEvent } from "./events.ts";
import { type MetricLabels, metricOf, metricsIn } from "./metric-table.ts";
import { type Moment, wallTimeOf } from "./moment.ts";
import { swapResults, type Watched, type WatchedStore } from "./record.ts";

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The upper bounds in seconds, around the 2 s that a swap may take. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600];

/** How long swaps took. It counts here, because prom-client can't take counts from elsewhere. */
export class SwapDurations {
  readonly histogram = new Histogram({
    ...metricOf("scb_mirror_swap_duration_seconds", "run"),
    buckets,
    registers: [],
  });

  hear(node: string | null, event: WatchedEvent): void {
    if (event.kind !== "swapped") return;
    this.histogram.observe({ node: node ?? "", store: event.store }, event.elapsedMs / 1000);
  }
}

/**
 * The record in Prometheus's format. The registry lives for one scrape, so that nothing is left from an
 * earlier one.
 */
export function metricsText(
  watched: Watched,
  now: Moment,
  durations: SwapDurations,
): Promise<string> {
  const registry = new Registry();
  const node = watched.node ?? "";
  const metrics = metricsIn(registry, "run");
  const ofNode =
    (set: (labels: MetricLabels, value: number) => void) =>
    (labels: MetricLabels, value: number): void =>
      set({ node, ...labels }, value);
  const info = ofNode(metrics.gauge("scb_mirror_info"));
  info({ version: watched.version, source: watched.source ?? "" }, 1);
  const safe = ofNode(metrics.gauge("scb_mirror_safe"));
  safe({}, watched.verdict.verdict === "safe" ? 1 : 0);
  const finding = ofNode(metrics.gauge("scb_mirror_finding"));
  for (const { store, code, level } of watched.verdict.findings) {
    finding({ store: store ?? "", code, level }, 1);
  }
  const connected = ofNode(metrics.gauge("scb_mirror_node_connected"));
  connected({}, watched.wasNodeHeard && watched.nodeTrouble === null ? 1 : 0);

  const channels = ofNode(metrics.gauge("scb_mirror_channels"));
  if (watched.channels !== null) {
    const { open, limbo } = watched.channels.seen;
    channels({ state: "open" }, open.size);
    channels({ state: "limbo" }, limbo.size);
  }
  const sequence = ofNode(metrics.gauge("scb_mirror_sequence"));
  const confirmed = ofNode(metrics.gauge("scb_mirror_confirmed_timestamp_seconds"));
  const quarantined = ofNode(metrics.gauge("scb_mirror_quarantined"));
  const drillTime = ofNode(metrics.gauge("scb_mirror_drill_timestamp_seconds"));
  const drillOk = ofNode(metrics.gauge("scb_mirror_drill_ok"));
  const swaps = ofNode(metrics.counter("scb_mirror_swaps_total"));
  const requests = ofNode(metrics.counter("scb_mirror_store_requests_total"));
  for (const known of watched.stores.values()) {
    const { store, drill, provedAt } = known;
    sequence({ store }, known.sequence);
    confirmed({ store }, provedAt === null ? 0 : wallTimeOf(provedAt, now) / 1000);
    quarantined({ store }, known.refusals.length);
    const { covered, missing } = coverCounts(known);
    if (covered !== null) channels({ store, state: "covered" }, covered);
    if (missing !== null) channels({ store, state: "missing" }, missing);
    if (drill !== null) {
      drillTime({ store }, drill.at / 1000);
      drillOk({ store }, drill.ok ? 1 : 0);
    }
    for (const result of swapResults) swaps({ store, result }, known.swaps[result]);
    for (const [key, count] of known.requests) {
      const [operation = "", outcome = ""] = key.split(" ");
      requests({ store, operation, outcome }, count);
    }
  }
  registry.registerMetric(durations.histogram);
  return registry.metrics();
}

/** Null if not known. */
export function coverCounts({ cover, covers, latest }: WatchedStore): {
  readonly covered: number | null;
  readonly missing: number | null;
} {
  if (cover !== null) return { covered: cover.covered, missing: cover.missing.length };
  return { covered: covers?.length ?? latest?.channels ?? null, missing: null };
}
