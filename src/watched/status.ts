import { type LatestVersion, type StoreStatus, statusDocument } from "../checks/status-json.ts";
import type { WatchedVersion } from "./events.ts";
import { type Moment, wallTimeOf } from "./moment.ts";
import type { Watched, WatchedStore } from "./record.ts";

/** Like `status --json` for the same node, plus what only a running mirror knows. */
export function watchedStatus(watched: Watched, now: Moment) {
  const { node, source, verdict: told, nodeTrouble, wasNodeHeard } = watched;
  const stores = [...watched.stores.values()].map((known) => storeStatus(known, now));
  const newest = stores.reduce<StoreStatus | null>(
    (best, each) => (ageOf(each) < ageOf(best) || best?.latest == null ? each : best),
    null,
  );
  const document = statusDocument({
    node: node ?? "",
    verdict: told.verdict,
    findings: told.findings,
    latest: newest?.latest ?? null,
    ageSeconds: newest?.ageSeconds ?? null,
    stores,
  });
  const isoOf = (moment: Moment): string => new Date(wallTimeOf(moment, now)).toISOString();
  return {
    ...document,
    stores: document.stores.map((each) => {
      const provedAt = watched.stores.get(each.store)?.provedAt ?? null;
      return { ...each, provedAt: provedAt && isoOf(provedAt) };
    }),
    at: new Date(now.wallMs).toISOString(),
    since: isoOf(told.since),
    source,
    nodeConnected: wasNodeHeard && nodeTrouble === null,
  };
}

function storeStatus(known: WatchedStore, now: Moment): StoreStatus {
  const { store, latest, verdict: told } = known;
  const { verdict, findings } = told;
  return {
    store,
    verdict,
    findings,
    latest: latest && latestOf(latest),
    ageSeconds: latest && ageSeconds(latest, now),
  };
}

/** Compared by age, because sequences of different stores are unrelated. A time in the future doesn't count. */
function ageOf(status: StoreStatus | null): number {
  return status?.ageSeconds ?? Number.POSITIVE_INFINITY;
}

function latestOf({ committedAt, ...version }: WatchedVersion): LatestVersion {
  return { ...version, committedAt: new Date(committedAt).toISOString() };
}

/** Null if it claims to be from the future. */
function ageSeconds({ committedAt }: WatchedVersion, now: Moment): number | null {
  const age = Math.floor((now.wallMs - committedAt) / 1000);
  return age < 0 ? null : age;
}
