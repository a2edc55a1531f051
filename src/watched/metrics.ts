import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { WatchedEvent } from "./events.ts";
import { type Moment, wallTimeOf } from "./moment.ts";
import { swapResults, type Watched, type WatchedStore } from "./record.ts";

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The upper bounds in seconds, around the 2 s that a swap may take. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600];

/** How long swaps took. prom-client takes no counts that were made elsewhere, so it counts itself. */
export class SwapDurations {
  readonly histogram = new Histogram({
    name: "scb_mirror_swap_duration_seconds",
    help: "From the event at the node to the known commit.",
    labelNames: ["node", "store"],
    buckets,
    registers: [],
  });

  hear(node: string | null, event: WatchedEvent): void {
    if (event.kind !== "swapped") return;
    this.histogram.observe({ node: node ?? "", store: event.store }, event.elapsedMs / 1000);
  }
}

/**
 * The record as Prometheus reads it. The names are a contract. prom-client writes the format, and a
 * registry lives for one scrape, so that nothing is left in it of an earlier one.
 */
export function metricsText(
  watched: Watched,
  now: Moment,
  durations: SwapDurations,
): Promise<string> {
  const registry = new Registry();
  const node = watched.node ?? "";
  const gauge = (name: string, help: string, ...labelNames: readonly string[]) => {
    const metric = new Gauge({
      name: `scb_mirror_${name}`,
      help,
      labelNames: ["node", ...labelNames],
      registers: [registry],
    });
    return (labels: Readonly<Record<string, string>>, value: number): void =>
      metric.set({ node, ...labels }, value);
  };
  const info = gauge(
    "info",
    "Always 1. The program's version, and where the node's state comes from.",
    "version",
    "source",
  );
  info({ version: watched.version, source: watched.source ?? "" }, 1);
  const safe = gauge("safe", "1 while the verdict is safe; 0 while it is unsafe or unknown.");
  safe({}, watched.verdict.verdict === "safe" ? 1 : 0);
  const finding = gauge(
    "finding",
    "1 for each finding that the verdict rests on.",
    "store",
    "code",
    "level",
  );
  for (const { store, code, level } of watched.verdict.findings) {
    finding({ store: store ?? "", code, level }, 1);
  }
  const connected = gauge("node_connected", "1 while the node answers.");
  connected({}, watched.wasNodeHeard && watched.nodeTrouble === null ? 1 : 0);

  const channels = gauge(
    "channels",
    "Channels: open, or in limbo, at the node; covered by, or missing in, the store.",
    "store",
    "state",
  );
  if (watched.channels !== null) {
    const { open, limbo } = watched.channels.seen;
    channels({ state: "open" }, open.size);
    channels({ state: "limbo" }, limbo.size);
  }
  const sequence = gauge("sequence", "The sequence of the current version; 0 for none.", "store");
  const confirmed = gauge(
    "confirmed_timestamp_seconds",
    "When the store was last proved to hold the node's state; 0 for never.",
    "store",
  );
  const quarantined = gauge(
    "quarantined",
    "Backups that guards have held back since the last swap.",
    "store",
  );
  const drillTime = gauge(
    "drill_timestamp_seconds",
    "When the newest drill that is known was made.",
    "store",
  );
  const drillOk = gauge("drill_ok", "1 if that drill showed that a restore would work.", "store");
  const swaps = new Counter({
    name: "scb_mirror_swaps_total",
    help: "What came of bringing the node's state into the store.",
    labelNames: ["node", "store", "result"],
    registers: [registry],
  });
  const requests = new Counter({
    name: "scb_mirror_store_requests_total",
    help: "Requests to the store, by operation and outcome: ok, or the code of the error.",
    labelNames: ["node", "store", "operation", "outcome"],
    registers: [registry],
  });
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
    for (const result of swapResults) swaps.inc({ node, store, result }, known.swaps[result]);
    for (const [key, count] of known.requests) {
      const [operation = "", outcome = ""] = key.split(" ");
      requests.inc({ node, store, operation, outcome }, count);
    }
  }
  registry.registerMetric(durations.histogram);
  return registry.metrics();
}

/** Null where it isn't known. */
export function coverCounts({ cover, covers, latest }: WatchedStore): {
  readonly covered: number | null;
  readonly missing: number | null;
} {
  if (cover !== null) return { covered: cover.covered, missing: cover.missing.length };
  return { covered: covers?.length ?? latest?.channels ?? null, missing: null };
}
