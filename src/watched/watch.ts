import { coverAfterSwap, coverOf } from "./cover.ts";
import type { WatchedEvent } from "./events.ts";
import type { Moment } from "./moment.ts";
import {
  newWatchedStore,
  type SwapResult,
  type TimelineEntry,
  type Trouble,
  type Watched,
  type WatchedStore,
  type WatchedVerdict,
} from "./record.ts";

const mostEntries = 240;
/** More would only repeat the same. */
const mostRefusals = 20;

/** What is known after `event`, which was heard at `at`. */
export function watch(before: Watched, event: WatchedEvent, at: Moment): Watched {
  switch (event.kind) {
    case "started": {
      const { node, source, store, sequence } = event;
      const after = withStore(before, store, (known) => ({ ...known, sequence }));
      return entered(
        { ...after, node, source, wasNodeHeard: true },
        { kind: "started", at, store },
      );
    }
    case "swapped": {
      const { store, latest, covers, elapsedMs } = event;
      const after = withStore({ ...before, waiting: null }, store, (known) => ({
        ...held(counted(known, "swapped"), event, at),
        refusals: [],
      }));
      const { sequence } = latest;
      const channels = covers?.length ?? latest.channels;
      return entered(after, { kind: "swapped", at, store, sequence, channels, elapsedMs });
    }
    case "unchanged":
      return withStore({ ...before, waiting: null }, event.store, (known) => ({
        ...held(counted(known, "unchanged"), event, at),
        provedAt: at,
      }));
    case "confirmed":
      return withStore({ ...before, waiting: null }, event.store, (known) => ({
        ...known,
        provedAt: at,
        trouble: null,
      }));
    case "refused": {
      const { store, code, message, quarantineKey } = event;
      const after = withStore(before, store, (known) => {
        const others = known.refusals.filter(
          (other) => other.quarantineKey !== quarantineKey || other.code !== code,
        );
        const refusals = [...others, { at, code, message, quarantineKey }].slice(-mostRefusals);
        return { ...counted(known, "refused"), refusals };
      });
      return entered(after, { kind: "refused", at, store, message });
    }
    case "retrying": {
      const { store, code, message } = event;
      const trouble = (known: Trouble | null): Trouble => ({
        code,
        message,
        since: known?.since ?? at,
      });
      if (store === null) return { ...before, nodeTrouble: trouble(before.nodeTrouble) };
      return withStore(before, store, (known) => ({
        ...counted(known, "failed"),
        trouble: trouble(known.trouble),
      }));
    }
    case "recovered":
      if (event.store === null) return heard({ ...before, waiting: null });
      return withStore({ ...before, waiting: null }, event.store, (known) => ({
        ...known,
        trouble: null,
      }));
    case "lost": {
      const { store, message } = event;
      const after = withStore(before, store, (known) => ({
        ...counted(known, "lost"),
        provedAt: null,
      }));
      return entered(after, { kind: "lost", at, store, message });
    }
    case "verdict":
      return judged(before, event, at);
    case "drilled": {
      const { store, at: drilledAt, ok, verdict } = event;
      const after = withStore(before, store, (known) => ({
        ...known,
        drill: { at: drilledAt, ok, verdict },
      }));
      return event.isNew ? entered(after, { kind: "drilled", at, store, ok, verdict }) : after;
    }
    case "surveyed": {
      const { channels: seen, askedAtMs } = event;
      if (seen === null) return heard(before);
      const stores = new Map(
        [...before.stores].map(([name, known]) => {
          const { covers, heldSince } = known;
          // A version that was saved meanwhile is newer than this answer.
          const isOlder = heldSince !== null && heldSince.monotonicMs > askedAtMs;
          if (covers === null || isOlder) return [name, known];
          return [name, { ...known, cover: coverOf(seen, covers) }];
        }),
      );
      return heard({ ...before, stores, channels: { at, seen } });
    }
    case "waiting":
      return { ...before, waiting: { subject: event.subject, sinceMs: event.sinceMs } };
    case "requested": {
      const { store, operation, outcome } = event;
      const key = `${operation} ${outcome}`;
      return withStore(before, store, (known) => ({
        ...known,
        requests: new Map(known.requests).set(key, (known.requests.get(key) ?? 0) + 1),
      }));
    }
    case "stopped":
      return entered({ ...before, isStopped: true }, { kind: "stopped", at, store: null });
  }
}

function judged(
  before: Watched,
  { store, verdict, findings }: Extract<WatchedEvent, { kind: "verdict" }>,
  at: Moment,
): Watched {
  const next = (known: WatchedVerdict): WatchedVerdict => ({
    verdict,
    since: known.verdict === verdict ? known.since : at,
    findings,
  });
  if (store !== null) {
    return withStore(before, store, (known) => ({ ...known, verdict: next(known.verdict) }));
  }
  const codes = findings.map(({ code }) => code);
  const after = { ...before, verdict: next(before.verdict) };
  return entered(after, { kind: "verdict", at, store, verdict, codes });
}

function held(
  known: WatchedStore,
  { latest, covers }: Extract<WatchedEvent, { kind: "swapped" | "unchanged" }>,
  at: Moment,
): WatchedStore {
  const cover =
    covers === null || known.cover === null ? null : coverAfterSwap(known.cover, covers);
  return {
    ...known,
    sequence: latest?.sequence ?? known.sequence,
    latest: latest ?? known.latest,
    covers,
    heldSince: at,
    cover,
    trouble: null,
  };
}

function heard(before: Watched): Watched {
  return { ...before, nodeTrouble: null, wasNodeHeard: true };
}

function counted(known: WatchedStore, result: SwapResult): WatchedStore {
  return { ...known, swaps: { ...known.swaps, [result]: known.swaps[result] + 1 } };
}

/** Adds a store that isn't known yet, because its requests begin before its folder is read. */
function withStore(
  before: Watched,
  store: string,
  change: (known: WatchedStore) => WatchedStore,
): Watched {
  const known = before.stores.get(store) ?? newWatchedStore(store, 0, before.startedAt);
  return { ...before, stores: new Map(before.stores).set(store, change(known)) };
}

function entered(before: Watched, entry: TimelineEntry): Watched {
  return { ...before, timeline: [...before.timeline, entry].slice(-mostEntries) };
}
