import { Counter, Gauge, type Registry } from "prom-client";

interface MetricWords {
  readonly type: "gauge" | "counter" | "histogram";
  readonly labels: readonly string[];
  /** A sentence. */
  readonly help: string;
  /** Its meaning in the metrics of `watch`, if different. */
  readonly watchHelp?: string;
  /** Which command serves it. */
  readonly servedBy: readonly ("run" | "watch")[];
}

/** Every metric. The names and labels are a contract. */
export const metricTable = {
  scb_mirror_info: {
    type: "gauge",
    labels: ["node", "version", "source"],
    help: "Always 1. The program's version, and the source of the node's state.",
    watchHelp: "Always 1. The program's version.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_safe: {
    type: "gauge",
    labels: ["node"],
    help: "1 while the verdict is safe; 0 while it is unsafe or unknown.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_finding: {
    type: "gauge",
    labels: ["node", "store", "code", "level"],
    help: "1 for each finding that the verdict rests on.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_sequence: {
    type: "gauge",
    labels: ["node", "store"],
    help: "The sequence of the current version; 0 for none.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_confirmed_timestamp_seconds: {
    type: "gauge",
    labels: ["node", "store"],
    help: "When the store was last proved to hold the node's state; 0 for never.",
    watchHelp:
      "When the store was last seen to hold what it should, or else when its backup was last read back; 0 for never.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_channels: {
    type: "gauge",
    labels: ["node", "store", "state"],
    help: "Channels by state: open or in limbo at the node; covered by the store or missing from it.",
    watchHelp: "Channels that the store covers, as recorded when they were saved.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_swaps_total: {
    type: "counter",
    labels: ["node", "store", "result"],
    help: "Attempts to save the node's state, by result: swapped, unchanged, refused, lost or failed.",
    servedBy: ["run"],
  },
  scb_mirror_swap_duration_seconds: {
    type: "histogram",
    labels: ["node", "store"],
    help: "Time from the event at the node to the known commit.",
    servedBy: ["run"],
  },
  scb_mirror_store_requests_total: {
    type: "counter",
    labels: ["node", "store", "operation", "outcome"],
    help: "Requests to the store, by operation and outcome (ok, or the error's code).",
    servedBy: ["run"],
  },
  scb_mirror_node_connected: {
    type: "gauge",
    labels: ["node"],
    help: "1 while the node answers.",
    servedBy: ["run"],
  },
  scb_mirror_drill_timestamp_seconds: {
    type: "gauge",
    labels: ["node", "store"],
    help: "When the newest known drill was made.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_drill_ok: {
    type: "gauge",
    labels: ["node", "store"],
    help: "1 if that drill showed that a restore would work.",
    servedBy: ["run", "watch"],
  },
  scb_mirror_quarantined: {
    type: "gauge",
    labels: ["node", "store"],
    help: "Backups that guards have refused since the last swap.",
    servedBy: ["run"],
  },
  scb_mirror_watch_round_timestamp_seconds: {
    type: "gauge",
    labels: [],
    help: "When the last look at all nodes ended.",
    servedBy: ["watch"],
  },
  scb_mirror_watch_round_duration_seconds: {
    type: "gauge",
    labels: [],
    help: "How long that look took.",
    servedBy: ["watch"],
  },
} as const satisfies Readonly<Record<string, MetricWords>>;

export type MetricName = keyof typeof metricTable;

type NameOf<T extends MetricWords["type"]> = {
  readonly [N in MetricName]: (typeof metricTable)[N]["type"] extends T ? N : never;
}[MetricName];

/** By the names of the labels; those that are left out are empty. */
export type MetricLabels = Readonly<Record<string, string>>;

/** The metric's name, its help in the metrics of `servedBy`, and its labels, as prom-client takes them. */
export function metricOf(name: MetricName, servedBy: "run" | "watch") {
  const { help, labels, watchHelp }: MetricWords = metricTable[name];
  return {
    name,
    help: servedBy === "watch" ? (watchHelp ?? help) : help,
    labelNames: labels,
  };
}

/** Registers metrics of the table, and sets or counts them. */
export function metricsIn(registry: Registry, servedBy: "run" | "watch") {
  const configured = (name: MetricName) => ({
    ...metricOf(name, servedBy),
    registers: [registry],
  });
  return {
    gauge(name: NameOf<"gauge">): (labels: MetricLabels, value: number) => void {
      const metric = new Gauge(configured(name));
      return (labels, value) => metric.set({ ...labels }, value);
    },
    counter(name: NameOf<"counter">): (labels: MetricLabels, value: number) => void {
      const metric = new Counter(configured(name));
      return (labels, value) => metric.inc({ ...labels }, value);
    },
  };
}
