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

/** What was seen of one store, and its own judgement. */
export interface SeenStore extends StoreJudgement {
  readonly folder: FolderEvidence;
}

/** What the store holds as current; null if it holds nothing, isn't known, or is another node's. */
export function heldState({ store, folder, findings }: SeenStore): HeldState | null {
  const { current } = folder;
  if (!current.known || current.value.kind !== "held") return null;
  if (findings.some(({ code }) => code === "wrong-node")) return null;
  const { held, pointer } = current.value;
  return { store, held, pointer };
}

/**
 * Adds to each store's judgement what only the other stores show: that one is behind, that they disagree,
 * or that two are one place. `at`: when they were seen, milliseconds since 1970. No I/O, no clock. The
 * sequences of two stores are unrelated.
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
      const message = `${store} holds ${nameOf(state)}, which is newer than the state in the ${right.length} stores that are safe on their own`;
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
      const message = `${store} holds ${nameOf(state)}, but ${ahead.store} holds a newer state, ${nameOf(ahead)}`;
      findings.push(findingOf("store-behind", held.key, message));
    }
    const other = leaders.find((leader) => !isSameState(leader, state));
    if (ahead === undefined && other !== undefined) {
      const message = `${store} holds ${nameOf(state)}, but ${other.store} holds a different state, ${nameOf(other)}: neither is clearly newer`;
      findings.push(findingOf("stores-disagree", held.key, message));
    }
    const twin = states.find(
      (one) => one.store !== store && state.pointer?.operation === one.pointer?.operation,
    );
    if (state.pointer !== null && twin !== undefined) {
      const message = `${store} and ${twin.store} hold the same pointer: they are one place under two names, or one was just copied from the other`;
      findings.push(findingOf("same-store", held.key, message));
    }
    return { store, findings };
  });
}

/** The pointers belong to different nodes, and the folder's name doesn't say whose it is. */
function strangerFindings(states: readonly HeldState[]): OfStore[] {
  const named = states.flatMap(({ store, held, pointer }) => {
    const pubkey = pointer?.node.pubkey ?? null;
    return pubkey === null ? [] : [{ store, key: held.key, pubkey }];
  });
  return named.map(({ store, key, pubkey }) => {
    const other = named.find((one) => one.pubkey !== pubkey);
    const message = `${store} holds node ${pubkey}'s backups, but ${other?.store} holds node ${other?.pubkey}'s`;
    return { store, findings: [findingOf("wrong-node", key, message)] };
  });
}

/**
 * Whether a restore of either would bring back the same: the same bytes or the same channels packed again,
 * and the same funds in limbo.
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

/** The channels for which a restore needs older versions. The versions' keys differ from store to store. */
function pointsBesides({ alsoRestore }: HeldVersion): string {
  const points = alsoRestore.flatMap(({ channelPoints }) =>
    channelPoints.length === 0 ? ["unknown"] : channelPoints,
  );
  return [...new Set(points)].sort().join(" ");
}

/**
 * Whether `a` was certainly committed after `b`: it continues from `b`'s own commit, or both the writers'
 * and the stores' clocks say so. Two writers' clocks may differ; a time in the future is wrong.
 */
export function isNewer(a: HeldState, b: HeldState, at: number): boolean {
  if (isAfter(a, b)) return true;
  if (isAfter(b, a) || isInFuture(a.held.savedAt, at) || isInFuture(b.held.savedAt, at))
    return false;
  const isLater = a.held.committedAt > b.held.committedAt && a.held.savedAt > b.held.savedAt;
  return isLater && (isSameWriter(a, b) || isPlainlyLater(a.held.savedAt, b.held.savedAt));
}

/** The pointer of `a` remembers the commit of `b`, so it continues from there. */
function isAfter(a: HeldState, b: HeldState): boolean {
  const [pointer, operation] = [a.pointer, b.pointer?.operation];
  if (pointer === null || operation === undefined || pointer.operation === operation) return false;
  return (
    pointer.recentOperations.includes(operation) &&
    b.pointer?.recentOperations.includes(pointer.operation) === false
  );
}

/** One program on one machine has one clock, even after a restart. */
function isSameWriter(a: HeldState, b: HeldState): boolean {
  const machine = (state: HeldState) => state.pointer?.writer.replace(/ \d+( \w+)?$/, "");
  return a.pointer !== null && machine(a) === machine(b);
}

/** The newest state, in whatever order they come; null for none. A time in the future doesn't count. */
export function newest<S extends HeldState>(states: readonly S[], at: number): S | null {
  const byName = [...states].sort((a, b) => (a.store < b.store ? -1 : 1));
  const [first, ...others] = byName.sort((a, b) => timeOf(b, at) - timeOf(a, at));
  if (first === undefined) return null;
  // A state that continues from another's commit is newer, whatever a clock says.
  return others.reduce((best, one) => (isAfter(one, best) ? one : best), first);
}

function timeOf({ held }: HeldState, at: number): number {
  return isInFuture(held.savedAt, at) ? Number.NEGATIVE_INFINITY : held.savedAt;
}

function nameOf({ held }: HeldState): string {
  return `sequence ${held.sequence}, saved ${new Date(held.savedAt).toISOString()}`;
}
