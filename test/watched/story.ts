import { findingOf } from "../../src/checks/finding.ts";
import type { LocatedFinding, WatchedEvent, WatchedVersion } from "../../src/watched/events.ts";
import type { Moment } from "../../src/watched/moment.ts";
import { newWatched, type Watched } from "../../src/watched/record.ts";
import { watch } from "../../src/watched/watch.ts";

export const bucket = "s3://bucket/lightning";
export const startedAt = Date.UTC(2026, 10, 29, 12);

/** Both clocks go by the same time. */
export function momentAt(afterMs: number): Moment {
  return { wallMs: startedAt + afterMs, monotonicMs: afterMs };
}

export function versionOf(sequence: number, afterMs = 0): WatchedVersion {
  return {
    sequence,
    key: `versions/${String(sequence).padStart(20, "0")}-01JD.backup`,
    sha256: sequence.toString(16).padStart(64, "0"),
    sizeBytes: 900 + sequence,
    committedAt: startedAt + afterMs,
    writer: "scb-mirror/0.1.0 host 1",
    channels: null,
  };
}

export const started = {
  kind: "started",
  node: "alice",
  source: "lnd at localhost:10009",
  store: bucket,
  sequence: 4,
} as const satisfies WatchedEvent;

export function swapped(sequence: number, covers: readonly string[] | null, elapsedMs = 40) {
  return {
    kind: "swapped",
    store: bucket,
    latest: versionOf(sequence),
    covers,
    elapsedMs,
  } as const;
}

export function surveyed(
  open: readonly string[],
  limbo: readonly string[] = [],
  askedAtMs = Number.MAX_SAFE_INTEGER,
): WatchedEvent {
  const channels = {
    open: new Map(open.map((point) => [point, 1000])),
    limbo: new Map(limbo.map((point) => [point, 500])),
  };
  return { kind: "surveyed", askedAtMs, channels };
}

export function verdict(...findings: readonly LocatedFinding[]): readonly WatchedEvent[] {
  const levels = findings.map(({ level }) => level);
  const word = levels.includes("problem") ? "unsafe" : levels.length > 0 ? "unknown" : "safe";
  const told = { kind: "verdict", verdict: word, findings } as const;
  return [
    { ...told, store: bucket },
    { ...told, store: null },
  ];
}

export function finding(code: LocatedFinding["code"], message = "as it was seen"): LocatedFinding {
  return { ...findingOf(code, bucket, message), store: bucket };
}

export type Story = readonly (WatchedEvent | readonly WatchedEvent[])[];

/** What is known after these events, a second apart. */
export function told(...events: Story): Watched {
  return events
    .flat()
    .reduce(
      (known, event, at) => watch(known, event, momentAt((at + 1) * 1000)),
      newWatched("0.1.0", momentAt(0)),
    );
}
