import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { collectFolder, unreadFolder } from "./collect.ts";
import type { Evidence, FolderEvidence } from "./evidence.ts";
import type { Requirement } from "./requirement.ts";
import { lookTwice, type SecondLookOptions } from "./second-look.ts";
import { collectAsked, factsOf, type StatusOptions, type StatusReport } from "./status.ts";
import { problemsOf, type StoreStatus, statusDocument } from "./status-json.ts";
import { compareStores, heldState, newest } from "./stores-compared.ts";
import { judgeStores, type StoreFinding } from "./stores-verdict.ts";
import { allFailed } from "./told.ts";
import { judge } from "./verdict.ts";

/** What `status` prints: the facts are those of the store that holds the newest state. */
export interface StoresReport extends StatusReport {
  readonly findings: readonly StoreFinding[];
  readonly stores: readonly StoreStatus[];
}

export interface StoresStatusOptions
  extends Omit<StatusOptions, "store">,
    Pick<SecondLookOptions, "secondLookMs"> {
  /** The node's folder in each store. */
  readonly stores: readonly { readonly name: string; readonly store: ObjectStore }[];
  readonly requirement: Requirement;
  /** How long one look at one of several stores may take; a later answer doesn't count. */
  readonly lookMs?: number | undefined;
}

/** The policy to judge by. */
export interface JudgeFoldersOptions extends Pick<StatusOptions, "maxAgeMs" | "maxSilenceMs"> {
  readonly requirement: Requirement;
}

/** A node's folder in one of its stores, as one look showed it. */
export interface SeenFolder {
  /** The store's name. */
  readonly name: string;
  readonly folder: FolderEvidence;
}

/**
 * Looks at a node's folder in all of its stores at once, and once at the node, if one is given. Judges each
 * store, and all together. If one store doesn't answer, the others are still reported. Throws "aborted",
 * and what the stores throw if none of them shows its pointer: then there is nothing to judge.
 */
export async function checkStores(options: StoresStatusOptions): Promise<StoresReport> {
  return lookTwice(() => lookAt(options), options);
}

async function lookAt(options: StoresStatusOptions): Promise<StoresReport> {
  const { stores, clock } = options;
  const asked = await collectAsked(options);
  const folders = await Promise.all(
    stores.map(async (one) => ({ name: one.name, folder: await folderOf(one, options) })),
  );
  const unread = folders.flatMap(({ name, folder: { current } }) =>
    current.known ? [] : [{ name, error: current.error }],
  );
  if (unread.length === folders.length) throw allFailed(unread);
  return judgeFolders(folders, { at: clock.now(), ...asked }, options);
}

/** Judges what was seen of a node: each store, and all together. No I/O, no clock. */
export function judgeFolders(
  folders: readonly SeenFolder[],
  rest: Omit<Evidence, "folder">,
  { maxAgeMs, maxSilenceMs = null, requirement }: JudgeFoldersOptions,
): StoresReport {
  const { at } = rest;
  const own = folders.map(({ name: store, folder }) => {
    const evidence: Evidence = { ...rest, folder };
    const judgement = judge(evidence, { question: "mirror", maxAgeMs, maxSilenceMs });
    return { store, folder, facts: factsOf(evidence), ...judgement };
  });
  const judged = compareStores(own, at, requirement);
  const { verdict, findings } = judgeStores(judged, requirement);
  const states = own.flatMap((store) => heldState(store) ?? []);
  const byName = own.map(({ store }) => store).sort();
  const leader = newest(states, at)?.store ?? byName[0];
  const leading = own.find(({ store }) => store === leader);
  if (leading === undefined) throw new ScbError("internal", "there is no store to look at");
  return {
    verdict,
    findings,
    notChecked: [...new Set(own.flatMap(({ notChecked }) => notChecked))],
    healthy: verdict === "safe",
    problems: problemsOf(findings),
    ...leading.facts,
    stores: judged.map((each, index) => ({
      ...each,
      latest: own[index]?.facts.latest ?? null,
      ageSeconds: own[index]?.facts.ageSeconds ?? null,
    })),
  };
}

/** If one of several stores doesn't answer in time, that is evidence too, about that store alone. */
async function folderOf(
  { name, store }: StoresStatusOptions["stores"][number],
  options: StoresStatusOptions,
): Promise<FolderEvidence> {
  const { stores, clock, lookMs, signal } = options;
  const collect = async (within: AbortSignal | undefined): Promise<FolderEvidence> => {
    const { folder } = await collectFolder({ ...options, store, now: clock.now(), signal: within });
    return folder;
  };
  if (stores.length === 1) return collect(signal);
  const late = (): ScbError =>
    new ScbError(
      "store-unknown",
      `${name} didn't answer everything within ${(lookMs ?? 0) / 1000} s`,
    );
  try {
    if (lookMs === undefined) return await collect(signal);
    return await withinDeadline({ clock, ms: lookMs, signal, late }, ({ signal: within }) =>
      collect(within),
    );
  } catch (thrown) {
    const error = ScbError.from(thrown);
    if (error.code === "aborted" || error.code === "internal") throw error;
    return unreadFolder({ store, node: options.node }, { known: false, error });
  }
}

/** `status --json`: the contract's fields first. */
export function statusJson(report: StoresReport) {
  const { healthy: _, problems: __, stores: ___, ...facts } = report;
  // Fields in both are equal; the contract's order comes first.
  return { ...statusDocument(report), ...facts };
}
