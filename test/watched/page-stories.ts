import type { WatchedEvent } from "../../src/watched/events.ts";
import type { Moment } from "../../src/watched/moment.ts";
import { newWatched, type Watched } from "../../src/watched/record.ts";
import { watch } from "../../src/watched/watch.ts";
import { bucket, finding, momentAt, started, startedAt, verdict, versionOf } from "./story.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const pubkey = "03248248045a4cc79f3444d76eea035ef17ecdb6df4fc203cd15fd67c03dfa9b39";
export const disk = "file:///mnt/usb/scb/store";

/** What a page is made of. */
export interface PageStory {
  readonly watched: Watched;
  readonly now: Moment;
}

function points(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${at.toString(16).padStart(64, "0")}:0`);
}

function at(events: readonly (readonly [number, WatchedEvent])[]): Watched {
  return [...events]
    .sort(([a], [b]) => a - b)
    .reduce(
      (known, [ms, event]) => watch(known, event, momentAt(ms)),
      newWatched("0.1.0", momentAt(0)),
    );
}

/** Two days of an ordinary life, up to `untilMs`. */
function ordinary(node: string, store: string): (readonly [number, WatchedEvent])[] {
  const events: (readonly [number, WatchedEvent])[] = [[1000, { ...started, node, store }]];
  for (const event of verdict())
    events.push([3000, { ...event, ...(storeOf(event) && { store }) }]);
  const counts = [5, 6, 6, 7, 8, 8, 7, 9, 10, 10, 9, 11, 12];
  counts.forEach((count, index) => {
    const ms = 4000 + index * 3.6 * hourMs;
    const elapsedMs = [38, 41, 55, 37, 1300, 44, 39, 36, 62, 2900, 47, 35, 40][index] ?? 40;
    const latest = { ...versionOf(29 + index, ms), sizeBytes: 900 + 160 * count, channels: count };
    events.push([ms, { kind: "swapped", store, latest, covers: points(count), elapsedMs }]);
    events.push([ms + 2000, { kind: "confirmed", store }]);
  });
  events.push([
    20 * hourMs,
    {
      kind: "drilled",
      store,
      at: startedAt + 20 * hourMs,
      ok: true,
      verdict: "would-restore",
      isNew: true,
    },
  ]);
  const channels = {
    open: new Map(points(11).map((point, index) => [point, 250_000 + 71_000 * index] as const)),
    limbo: new Map(
      points(12)
        .slice(11)
        .map((point) => [point, 412_345] as const),
    ),
  };
  events.push([46.5 * hourMs, { kind: "surveyed", askedAtMs: 48 * hourMs, channels }]);
  events.push([47 * hourMs - 90_000, { kind: "confirmed", store }]);
  return events;
}

function storeOf(event: WatchedEvent): boolean {
  return "store" in event && event.store !== null;
}

const now = momentAt(47 * hourMs);

export const pageStories = {
  safe: { watched: at(ordinary(pubkey, bucket)), now },
  unsafe: {
    watched: at([
      ...ordinary("alice", bucket),
      [
        46.6 * hourMs,
        {
          kind: "refused",
          store: bucket,
          code: "empty",
          message: "the new backup is empty, and the current one has 12 channels",
          quarantineKey: "quarantine/01JDSOMETHING.backup",
        },
      ],
      ...verdict(
        finding(
          "refused",
          "a guard refused a newer backup, which is kept as quarantine/01JDSOMETHING.backup: the new backup is empty, and the current one has 12 channels",
        ),
      ).map((event) => [46.6 * hourMs, event] as const),
    ]),
    now,
  },
  unknown: {
    watched: at([
      ...ordinary("alice", bucket),
      [
        46.7 * hourMs,
        {
          kind: "retrying",
          store: null,
          code: "node-unavailable",
          message: "lnd at localhost:10009 can't be reached: connection refused",
        },
      ],
      ...verdict(
        finding("node-unread", "lnd at localhost:10009 can't be reached: connection refused"),
      ).map((event) => [46.7 * hourMs, event] as const),
      [
        46.9 * hourMs,
        { kind: "waiting", subject: "lnd at localhost:10009", sinceMs: startedAt + 46.7 * hourMs },
      ],
    ]),
    now,
  },
  "two stores, one of them away": {
    watched: at([
      ...ordinary("alice", bucket),
      ...ordinary("alice", disk),
      [
        46 * hourMs,
        { kind: "retrying", store: disk, code: "store-busy", message: "/mnt/usb is not mounted" },
      ],
      ...verdict({
        ...finding("not-saved", "the node's last state isn't saved: /mnt/usb is not mounted"),
        store: disk,
      }).map(
        (event) => [46 * hourMs, { ...event, ...(storeOf(event) && { store: disk }) }] as const,
      ),
    ]),
    now,
  },
  "just started": { watched: newWatched("0.1.0", momentAt(0)), now: momentAt(1500) },
} as const satisfies Readonly<Record<string, PageStory>>;
