import { type FindingCode, verdictOf } from "../../checks/finding.ts";
import { heldState, isNewer, isSameState } from "../../checks/stores-compared.ts";
import { unreadFinding } from "../../checks/unread.ts";
import type { ScbError } from "../../runtime/error.ts";
import { type NewestClaim, newestClaim } from "./newest.ts";
import { compared, type FoundBackup, type ReadStore } from "./several-stores.ts";

/** A store whose pointer couldn't be read. */
export interface UnreadStore {
  readonly name: string;
  readonly error: ScbError;
}

export interface AllStores<S extends ReadStore = ReadStore> {
  readonly read: readonly S[];
  readonly unread: readonly UnreadStore[];
}

/** What one store holds, compared with the version that was taken. */
export interface StoreHolds {
  readonly store: string;
  /** "other": a different state, which may or may not be newer. */
  readonly holds: "same" | "older" | "newer" | "other" | "nothing" | "unread";
  /** Of the store's current version; null if it has none. */
  readonly sequence: number | null;
  readonly key: string | null;
  readonly sha256: string | null;
  /** ISO 8601. */
  readonly savedAt: string | null;
  /** Why nothing is known about it; null if it was read. */
  readonly message: string | null;
}

/** Findings after which another store may hold something newer. */
const otherDoubts: readonly FindingCode[] = [
  // A disk that isn't mounted looks empty.
  "no-backup",
  "pointer-lost",
  "pointer-damaged",
  "pointer-behind",
  "version-beyond",
  "store-unread",
  "store-denied",
];
/** Findings about the version's own store that only the other stores reveal. */
const ownDoubts: readonly FindingCode[] = ["store-behind", "stores-disagree", "wrong-node"];

/** `newestClaim` across all stores, since any of them may hold a newer version. */
export function newestOfAll(
  key: string,
  from: ReadStore,
  { read, unread }: AllStores,
  now: number,
): NewestClaim {
  const claim = newestClaim(key, from.folder, now);
  const { judged } = compared(read, now);
  const others = judged.flatMap(({ store, findings }) => {
    if (store !== from.name) return findings.filter(({ code }) => otherDoubts.includes(code));
    const isNew = ({ code }: (typeof findings)[number]): boolean =>
      !claim.findings.some((one) => one.code === code);
    return findings.filter((finding) => ownDoubts.includes(finding.code) && isNew(finding));
  });
  const untold = unread.map(({ name, error }) =>
    unreadFinding(name, error, { message: `what ${name} holds isn't known: ${error.message}` }),
  );
  const more = [...others, ...untold];
  const findings = [...claim.findings, ...more];
  return {
    isNewest: claim.isNewest && more.length === 0,
    verdict: verdictOf(findings),
    findings,
    doubts: [...claim.doubts, ...more],
  };
}

/** What each store holds, compared with the version that was taken. */
export function holdings(
  { from, backup }: FoundBackup<ReadStore>,
  { read, unread }: AllStores,
  now: number,
): readonly StoreHolds[] {
  const { seen } = compared(read, now);
  const states = seen.map((one) => ({ store: one.store, state: heldState(one) }));
  const own = states.find(({ store }) => store === from.name)?.state ?? null;
  const taken = own?.held.key === backup.key ? own : null;
  const nothing = { sequence: null, key: null, sha256: null, savedAt: null };
  const told = states.map(({ store, state }): StoreHolds => {
    if (state === null) return { store, holds: "nothing", ...nothing, message: null };
    const { sequence, key, sha256, savedAt } = state.held;
    const holds = ((): StoreHolds["holds"] => {
      if (sha256 === backup.sha256 || (taken !== null && isSameState(state, taken))) return "same";
      if (taken === null) return savedAt > backup.savedAt ? "newer" : "older";
      if (isNewer(taken, state, now)) return "older";
      return isNewer(state, taken, now) ? "newer" : "other";
    })();
    const at = new Date(savedAt).toISOString();
    return { store, holds, sequence, key, sha256, savedAt: at, message: null };
  });
  const silent = unread.map(
    ({ name: store, error: { message } }): StoreHolds => ({
      store,
      holds: "unread",
      ...nothing,
      message,
    }),
  );
  return [...told, ...silent];
}
