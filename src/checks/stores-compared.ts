import type { HeldVersion } from "../repository/base.ts";
import type { Pointer } from "../repository/pointer.ts";
import { isInFuture, isPlainlyLater } from "../repository/times.ts";
import type { FolderEvidence } from "./evidence.ts";
import { type Finding, findingOf, verdictOf } from "./finding.ts";
import { neededOf, type Requirement } from "./requirement.ts";
import type { StoreJudgement } from "./stores-verdict.ts";

/** What a store holds as current, and the store's name. */
export interface HeldState {
  readonly store: string;
  readonly held: HeldVersion;
  /** Null for a folder without pointers. */
  readonly pointer: Pointer | null;
}

/** What was seen of one store, and judged of it alone. */
export interface SeenStore extends StoreJudgement {
  readonly folder: FolderEvidence;
}

/** What the store holds as current; null if nothing, if it isn't known, or if it is another node's. */
export function heldState({ store, folder, findings }: SeenStore): HeldState | null {
  const { current } = folder;
  if (!current.known || current.value.kind !== "held") return null;
  if (findings.some(({ code }) => code === "wrong-node")) return null;
  const { held, pointer } = current.value;
  return { store, held, pointer };
}

/**
 * Adds to what was judged of each store what only the others show: that one is behind, that they
 * disagree, that two are one place. `at`: when they were seen, milliseconds since 1970. No I/O, no clock.
 * Sequences of two stores have nothing to do with each other.
 */
export function compareStores(
  stores: readonly SeenStore[],
  at: number,
  requirement: Requirement,
): readonly StoreJudgement[] {
  const states = stores.flatMap((store) => heldState(store) ?? []);
  const owners = new Set(states.flatMap(({ pointer }) => pointer?.node.pubkey ?? []));
  const compared = owners.size > 1 ? strangerFindings(states) : stateFindings(states, at);
  const found = new Map(compared.map(({ store, findings }) => [store, findings]));
  const isBehind = ({ store }: StoreJudgement): boolean =>
    found.get(store)?.some(({ code }) => code === "store-behind") === true;
  const right = stores.filter(({ verdict }) => verdict === "safe");
  const isEnough = right.length > 0 && right.length >= neededOf(requirement, stores.length);
  const isAheadOfAll = isEnough && right.every(isBehind);
  return stores.map(({ store, folder, findings: own }) => {
    const findings = [...own, ...(found.get(store) ?? [])];
    const state = states.find((one) => one.store === store);
    if (isAheadOfAll && state !== undefined && newest(states, at)?.store === store) {
      const message = `${store} holds ${nameOf(state)}, which is newer than what the ${right.length} stores hold that are right by themselves`;
      findings.push(findingOf("store-ahead", folder.store, message));
    }
    return { store, verdict: verdictOf(findings), findings };
  });
}

interface OfStore {
  readonly store: string;
  readonly findings: readonly Finding[];
}

function stateFindings(states: readonly HeldState[], at: number): OfStore[] {
  const behind = new Map<string, HeldState>();
  for (const state of states) {
    const later = states.filter((other) => !isSameState(other, state) && isNewer(other, state, at));
    const newestOfThem = newest(later, at);
    if (newestOfThem !== null) behind.set(state.store, newestOfThem);
  }
  const leaders = states.filter(({ store }) => !behind.has(store));
  return states.map((state) => {
    const { store, held } = state;
    const findings: Finding[] = [];
    const ahead = behind.get(store);
    if (ahead !== undefined) {
      const message = `${store} holds ${nameOf(state)}, and ${ahead.store} a newer state, ${nameOf(ahead)}`;
      findings.push(findingOf("store-behind", held.key, message));
    }
    const other = leaders.find((leader) => !isSameState(leader, state));
    if (ahead === undefined && other !== undefined) {
      const message = `${store} holds ${nameOf(state)}, and ${other.store} another state, ${nameOf(other)}: neither is plainly the newer one`;
      findings.push(findingOf("stores-disagree", held.key, message));
    }
    const twin = states.find(
      (one) => one.store !== store && state.pointer?.operation === one.pointer?.operation,
    );
    if (state.pointer !== null && twin !== undefined) {
      const message = `${store} and ${twin.store} hold the very same pointer: they are one place under two names, or one was just copied from the other`;
      findings.push(findingOf("same-store", held.key, message));
    }
    return { store, findings };
  });
}

/** Pointers of several nodes, where nobody says whose the folder is: one of them is wrong, at least. */
function strangerFindings(states: readonly HeldState[]): OfStore[] {
  const named = states.flatMap(({ store, held, pointer }) => {
    const pubkey = pointer?.node.pubkey ?? null;
    return pubkey === null ? [] : [{ store, key: held.key, pubkey }];
  });
  return named.map(({ store, key, pubkey }) => {
    const other = named.find((one) => one.pubkey !== pubkey);
    const message = `${store} holds node ${pubkey}'s backups, and ${other?.store} node ${other?.pubkey}'s`;
    return { store, findings: [findingOf("wrong-node", key, message)] };
  });
}

/**
 * Whether a restore of either would bring back the same: the same bytes, or the same channels packed
 * anew, and the same funds in limbo besides.
 */
export function isSameState(a: HeldState, b: HeldState): boolean {
  return isSameVersion(a.held, b.held) && pointsBesides(a.held) === pointsBesides(b.held);
}

function isSameVersion(a: HeldVersion, b: HeldVersion): boolean {
  if (a.sha256 !== "" && a.sha256 === b.sha256) return true;
  const { channelPointsSha256: points, bareChannels: bare } = a;
  if (points === null || points !== b.channelPointsSha256) return false;
  return bare === null || b.bareChannels === null || bare === b.bareChannels;
}

/** Which channels a restore needs older versions for; their keys are each store's own. */
function pointsBesides({ alsoRestore }: HeldVersion): string {
  const points = alsoRestore.flatMap(({ channelPoints }) =>
    channelPoints.length === 0 ? ["unknown"] : channelPoints,
  );
  return [...new Set(points)].sort().join(" ");
}

/**
 * Whether `a` was committed after `b`, beyond doubt: it went on from `b`'s own commit, or both the
 * writers' clocks and the stores' say so. Two writers' clocks may differ; a time in the future is wrong.
 */
export function isNewer(a: HeldState, b: HeldState, at: number): boolean {
  if (isAfter(a, b)) return true;
  if (isAfter(b, a) || isInFuture(a.held.savedAt, at) || isInFuture(b.held.savedAt, at))
    return false;
  const isLater = a.held.committedAt > b.held.committedAt && a.held.savedAt > b.held.savedAt;
  return isLater && (isSameWriter(a, b) || isPlainlyLater(a.held.savedAt, b.held.savedAt));
}

/** The pointer of `a` remembers the commit of `b`: it has gone on from there. */
function isAfter(a: HeldState, b: HeldState): boolean {
  const [pointer, operation] = [a.pointer, b.pointer?.operation];
  if (pointer === null || operation === undefined || pointer.operation === operation) return false;
  return (
    pointer.recentOperations.includes(operation) &&
    b.pointer?.recentOperations.includes(pointer.operation) === false
  );
}

/** One program on one machine, started anew or not, has one clock. */
function isSameWriter(a: HeldState, b: HeldState): boolean {
  const machine = (state: HeldState) => state.pointer?.writer.replace(/ \d+( \w+)?$/, "");
  return a.pointer !== null && machine(a) === machine(b);
}

/** The newest of them, whatever their order; null for none. A time in the future makes nothing newer. */
export function newest<S extends HeldState>(states: readonly S[], at: number): S | null {
  const byName = [...states].sort((a, b) => (a.store < b.store ? -1 : 1));
  const [first, ...others] = byName.sort((a, b) => timeOf(b, at) - timeOf(a, at));
  if (first === undefined) return null;
  // One that has gone on from another's commit is the newer one, whatever a clock said.
  return others.reduce((best, one) => (isAfter(one, best) ? one : best), first);
}

function timeOf({ held }: HeldState, at: number): number {
  return isInFuture(held.savedAt, at) ? Number.NEGATIVE_INFINITY : held.savedAt;
}

function nameOf({ held }: HeldState): string {
  return `sequence ${held.sequence}, saved ${new Date(held.savedAt).toISOString()}`;
}
