import type { FolderEvidence } from "../../checks/evidence.ts";
import {
  compareStores,
  heldState,
  isSameState,
  newest,
  type SeenStore,
} from "../../checks/stores-compared.ts";
import type { StoreJudgement } from "../../checks/stores-verdict.ts";
import { allFailed } from "../../checks/told.ts";
import { judge } from "../../checks/verdict.ts";
import type { Encrypter } from "../../keychain/encrypter.ts";
import { fetchBackup, type RestoredBackup } from "../../repository/fetch-backup.ts";
import { findVersion } from "../../repository/find-version.ts";
import { isInFuture } from "../../repository/times.ts";
import { versionAt } from "../../repository/version-at.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";
import { damageCodes, type IntactBackup, newestIntact } from "./intact-backup.ts";

/** One of the node's stores, whose pointer was read, and what decrypts its versions. */
export interface ReadStore {
  readonly name: string;
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly encrypter?: Encrypter | undefined;
  readonly folder: FolderEvidence;
}

/** A version, and the store that it was fetched from. */
export interface FoundBackup<S extends ReadStore> {
  readonly from: S;
  readonly backup: RestoredBackup;
}

/** The version to fetch: "latest", a sequence or a key; or a moment, milliseconds since 1970. */
export type Wanted = { readonly which: string } | { readonly at: number };

interface Tried<S extends ReadStore> {
  readonly from: S;
  readonly which: string;
}

/** Compares the stores with each other. As for any restore, age doesn't matter. */
export function compared<S extends ReadStore>(
  stores: readonly S[],
  now: number,
): { readonly seen: readonly SeenStore[]; readonly judged: readonly StoreJudgement[] } {
  const nobody = { asked: false } as const;
  const policy = { question: "mirror", maxAgeMs: Infinity, maxSilenceMs: null } as const;
  const seen = stores.map(({ name: store, folder }): SeenStore => {
    const judgement = judge({ at: now, folder, node: nobody, file: nobody }, policy);
    return { store, folder, ...judgement };
  });
  return { seen, judged: compareStores(seen, now, "all") };
}

/** The stores that hold the newest state, newest first; all stores, if none holds any. */
export function holdersOfNewest<S extends ReadStore>(
  stores: readonly S[],
  now: number,
): readonly S[] {
  const states = compared(stores, now).seen.flatMap((one) => heldState(one) ?? []);
  const leader = newest(states, now);
  if (leader === null) return stores;
  const others = states.filter((state) => state !== leader && isSameState(state, leader));
  const byAge = others.sort((a, b) => b.held.savedAt - a.held.savedAt);
  return [leader, ...byAge].flatMap(({ store }) => stores.find(({ name }) => name === store) ?? []);
}

/**
 * Fetches the wanted version from a store that has it intact: the newest state of all stores, what was
 * current in any of them at a moment, or a named version. Throws like `fetchBackup`, "usage" for a name
 * that means different bytes in different stores, and, if no store has it intact, one error with each
 * store's message.
 */
export async function fetchFromAny<S extends ReadStore>(
  stores: readonly S[],
  wanted: Wanted,
  options: RequestOptions & { readonly now: number },
): Promise<FoundBackup<S>> {
  if ("at" in wanted) return fetchAt(stores, wanted.at, options);
  const { which } = wanted;
  const [only, another] = stores;
  if (which !== "latest" && only !== undefined && another !== undefined) {
    return fetchNamed(stores, which, options);
  }
  const holders = which === "latest" ? holdersOfNewest(stores, options.now) : stores;
  return firstWhole(
    holders.map((from) => ({ from, which })),
    options,
  );
}

/** Fetches the first one that is intact: if one fails, the next is tried. */
async function firstWhole<S extends ReadStore>(
  tries: readonly Tried<S>[],
  { signal }: RequestOptions,
): Promise<FoundBackup<S>> {
  const failures: { readonly name: string; readonly error: ScbError }[] = [];
  for (const { from, which } of tries) {
    const { name, store, encrypter } = from;
    try {
      return { from, backup: await fetchBackup({ store, which, encrypter, signal }) };
    } catch (error) {
      failures.push({ name, error: passing(error) });
    }
  }
  throw allFailed(failures);
}

/** Fetches a sequence or key, which must mean the same bytes in every store that has it. */
async function fetchNamed<S extends ReadStore>(
  stores: readonly S[],
  which: string,
  { signal }: RequestOptions,
): Promise<FoundBackup<S>> {
  const found = await Promise.all(
    stores.map(async (from) => {
      const { name, store, encrypter } = from;
      let sha256: string | null = null;
      try {
        ({ sha256 } = await findVersion(store, which, { signal }));
        const backup = await fetchBackup({ store, which, encrypter, signal });
        return { from, name, sha256: backup.sha256, backup, error: null };
      } catch (error) {
        return { from, name, sha256, backup: null, error: passing(error) };
      }
    }),
  );
  const unclear = found.find(({ error }) => error?.code === "usage");
  if (unclear?.error != null) throw unclear.error;
  const holders = found.filter(({ sha256 }) => sha256 !== null);
  if (new Set(holders.map(({ sha256 }) => sha256)).size > 1) {
    const names = holders.map(({ name, sha256 }) => `${name} (sha256 ${sha256?.slice(0, 12)})`);
    throw new ScbError(
      "usage",
      `${which} is a different version in each of ${names.join(" and ")}: choose one store with --to`,
    );
  }
  const failures: { readonly name: string; readonly error: ScbError }[] = [];
  for (const { from, name, backup, error } of found) {
    if (backup !== null) return { from, backup };
    failures.push({ name, error });
  }
  throw allFailed(failures);
}

/** Fetches the last version that was saved before a moment, in any of the stores. */
async function fetchAt<S extends ReadStore>(
  stores: readonly S[],
  at: number,
  { signal }: RequestOptions,
): Promise<FoundBackup<S>> {
  const failures: { readonly name: string; readonly error: ScbError }[] = [];
  const found: (Tried<S> & { readonly savedAt: number; readonly sha256: string | null })[] = [];
  await Promise.all(
    stores.map(async (from) => {
      const { name, store } = from;
      try {
        const { sequence, savedAt } = await versionAt(store, at, { signal });
        const which = String(sequence);
        // Needed only to recognise the version in another store.
        const isOne = stores.length === 1;
        const sha256 = isOne ? null : (await findVersion(store, which, { signal })).sha256;
        found.push({ from, which, savedAt, sha256 });
      } catch (error) {
        failures.push({ name, error: passing(error) });
      }
    }),
  );
  const [first, ...others] = found.sort(
    (a, b) => b.savedAt - a.savedAt || (a.from.name < b.from.name ? -1 : 1),
  );
  if (first === undefined) throw allFailed(failures);
  const same = others.filter(({ sha256 }) => sha256 !== null && sha256 === first.sha256);
  return firstWhole([first, ...same], { signal });
}

/**
 * The newest intact version of all stores, as `newestIntact` finds it in one. `after`: only versions beyond
 * this sequence of their store. Null if there is none. A store that can't be searched is skipped, unless
 * that is true of all.
 */
export async function newestIntactOf<S extends ReadStore>(
  stores: readonly S[],
  {
    now,
    after,
    signal,
  }: RequestOptions & { readonly now: number; readonly after?: (store: S) => number },
): Promise<(IntactBackup & { readonly from: S }) | null> {
  const failures: { readonly name: string; readonly error: ScbError }[] = [];
  const found: (IntactBackup & { readonly from: S })[] = [];
  await Promise.all(
    stores.map(async (from) => {
      const { name, store, encrypter } = from;
      try {
        const intact = await newestIntact({ store, encrypter, after: after?.(from), signal });
        if (intact !== null) found.push({ ...intact, from });
      } catch (error) {
        failures.push({ name, error: passing(error) });
      }
    }),
  );
  if (failures.length > 0 && failures.length === stores.length) throw allFailed(failures);
  // A time in the future doesn't make a version newer.
  const timeOf = ({ backup }: IntactBackup): number =>
    isInFuture(backup.savedAt, now) ? Number.NEGATIVE_INFINITY : backup.savedAt;
  const [best] = found.sort(
    (a, b) => timeOf(b) - timeOf(a) || (a.from.name < b.from.name ? -1 : 1),
  );
  return best ?? null;
}

/** Returns an error that concerns one store; throws any other. */
function passing(error: unknown): ScbError {
  const known = ScbError.from(error);
  if (known.code === "aborted" || known.code === "internal") throw known;
  return known;
}

/** Whether another version may work where this one failed. */
export function isDamage(error: unknown): error is ScbError {
  return hasCode(error, ...damageCodes);
}
