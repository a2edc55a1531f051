import { packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import type { StoredVersion } from "../repository/history.ts";
import { type HistoryFolder, readFolder } from "../repository/history-folder.ts";
import { latestKey, parseVersionKey, type VersionName } from "../repository/layout.ts";
import { keysToTellApart, standings } from "../repository/lineage.ts";
import { type Openers, openerOf, tryToOpen } from "../repository/openers.ts";
import { newerSchemaOf, recentOperationsKept } from "../repository/pointer.ts";
import { readPrunedRecord } from "../repository/pruned-record.ts";
import { readHeld, readVersion, sha256InPointer } from "../repository/version.ts";
import {
  metadataOf,
  readVersionMetadata,
  type VersionMetadata,
} from "../repository/version-metadata.ts";
import { ScbError } from "../runtime/error.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";

/**
 * What is wrong with the pointer.
 * - `lost`, `damaged`: it is missing, or can't be read.
 * - `target-missing`, `target-damaged`: the version that it names is missing, or has other bytes.
 * - `behind`: there are versions that only a later pointer explains: someone restored an older one.
 */
export type PointerState =
  | "ok"
  | "lost"
  | "damaged"
  | "target-missing"
  | "target-damaged"
  | "behind";

/** A version that was read back and may become current. */
export interface Candidate extends StoredVersion {
  readonly sha256: string;
  readonly metadata: VersionMetadata | null;
  /** Its hash matches the recorded one, or a key or the node has decrypted it. */
  readonly isKnownWhole: boolean;
  readonly openedBy: "key" | "lnd" | null;
}

export interface RepairPlan {
  readonly state: PointerState;
  /** What was found, for people. */
  readonly message: string;
  /** The version that the pointer must name; null if nothing is wrong, or if a person has to choose. */
  readonly target: Candidate | null;
  /** The versions to choose from; only `target` if the choice is clear. */
  readonly candidates: readonly Candidate[];
  /** Versions that are newer than the candidates, but not intact. */
  readonly damaged: readonly string[];
  /** The operations of the target and its predecessors, oldest first. */
  readonly operations: readonly string[];
  /** What the pointer must name besides the target: a repair drops nothing that a restore needs. */
  readonly alsoRestore: readonly AlsoRestore[];
  readonly folder: HistoryFolder;
}

export interface RepairOptions extends RequestOptions, Openers {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** A person's choice, for when the versions alone don't decide. */
  readonly toVersion?: string | undefined;
}

/**
 * Works out which version the pointer must name. Changes nothing.
 *
 * It is the newest intact version, even if that was uploaded and never committed: its snapshot was taken
 * after its predecessor had been read as the base, so the node's state doesn't go back. Two versions of
 * the newest sequence, or versions that don't follow from each other, are two histories; only a person
 * can know which one was acknowledged.
 *
 * Throws "refused" if a newer program wrote the pointer or `toVersion` can't be used, "decrypt" and
 * "decode" if a version that was saved intact doesn't open (an older one that does is no better), and
 * what the store throws.
 */
export async function planRepair(options: RepairOptions): Promise<RepairPlan> {
  const { store, toVersion, signal } = options;
  const folder = await readFolder(store, { signal });
  refuseNewerProgram(folder);
  const { state, message } = await pointerState(folder, options);
  if (state === "ok") {
    const nothing = { target: null, candidates: [], damaged: [], operations: [], alsoRestore: [] };
    if (toVersion === undefined) return { state, message, ...nothing, folder };
    throw new ScbError(
      "refused",
      `${message}, so it stays: to get an older version back, use scb-mirror restore`,
    );
  }
  if (toVersion !== undefined) {
    const listed = folder.versions.find(({ key }) => key === toVersion);
    const chosen = listed === undefined ? null : await candidateOf(listed, folder, options);
    if (chosen === null) {
      const why = listed === undefined ? "doesn't exist" : "is not intact";
      throw new ScbError(
        "refused",
        `${toVersion} ${why}: scb-mirror list shows the keys of the versions`,
      );
    }
    const operations = await operationsOf(chosen, options);
    return {
      state,
      message,
      target: chosen,
      candidates: [chosen],
      damaged: [],
      operations,
      alsoRestore: await alsoRestoreOf(chosen, [], folder, options),
      folder,
    };
  }
  const newest = await newestCandidates(folder, options);
  const { target, candidates } = await decide(state, folder, newest, options);
  const { damaged } = newest;
  if (state === "behind" && target?.key === folder.current?.held?.key) {
    const so = `${message}; but none of those is intact, so the pointer stays`;
    return {
      state: "ok",
      message: so,
      target: null,
      candidates: [],
      damaged,
      operations: [],
      alsoRestore: [],
      folder,
    };
  }
  const operations = target === null ? [] : await operationsOf(target, options);
  const alsoRestore = target === null ? [] : await alsoRestoreOf(target, damaged, folder, options);
  return { state, message, target, candidates, damaged, operations, alsoRestore, folder };
}

/**
 * What the existing pointer, the target and newer versions name. One too many does no harm: the mirror
 * drops it once the node says that its channels are resolved.
 */
async function alsoRestoreOf(
  target: Candidate,
  damaged: readonly string[],
  { current }: HistoryFolder,
  { store, signal }: RepairOptions,
): Promise<readonly AlsoRestore[]> {
  const named = [...(current?.held?.alsoRestore ?? []), ...(target.metadata?.alsoRestore ?? [])];
  for (const key of damaged) {
    named.push(
      ...(readVersionMetadata(await metadataOf(store, key, { signal }))?.alsoRestore ?? []),
    );
  }
  const byKey = new Map<string, AlsoRestore>();
  for (const also of named) {
    if (also.key === target.key || byKey.has(also.key)) continue;
    const read = also.sha256 === null ? await readVersion(store, also, { signal }) : null;
    byKey.set(also.key, read?.kind === "whole" ? { ...also, sha256: read.sha256 } : also);
  }
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function refuseNewerProgram({ pointerError, damagedPointer }: HistoryFolder): void {
  const bytes = damagedPointer?.bytes ?? null;
  if (pointerError === null || bytes === null) return;
  if (newerSchemaOf(bytes) !== null) {
    throw new ScbError("refused", pointerError.message, { cause: pointerError });
  }
}

async function pointerState(
  { current, pointerError, versions }: HistoryFolder,
  options: RepairOptions,
): Promise<{ state: PointerState; message: string }> {
  const { store, signal } = options;
  if (pointerError !== null) {
    return {
      state: pointerError.code === "pointer-lost" ? "lost" : "damaged",
      message: pointerError.message,
    };
  }
  if (current === null || current.held === null) {
    return { state: "ok", message: `nothing was ever committed in ${store.location}` };
  }
  const { held } = current;
  if (current.kind === "newest") {
    return {
      state: "ok",
      message: `${store.location} has no pointer and needs none: it is append-only`,
    };
  }
  const target = await readHeld(store, held, { signal });
  const where = `the pointer ${store.location}/${latestKey} names ${held.key}`;
  if (target.kind === "missing") {
    return { state: "target-missing", message: `${where}, which is missing` };
  }
  if (target.kind === "damaged") {
    return {
      state: "target-damaged",
      message: `${where}, which has other bytes than the pointer records`,
    };
  }
  const newest = versions.at(-1)?.sequence ?? 0;
  if (newest > held.sequence + 1) {
    return {
      state: "behind",
      message: `${where}, but there are versions up to sequence ${newest}: someone restored an older pointer`,
    };
  }
  return { state: "ok", message: `${where}, which is intact` };
}

/** The intact versions of the newest sequence that has any. */
async function newestCandidates(
  folder: HistoryFolder,
  options: RepairOptions,
): Promise<{ candidates: Candidate[]; damaged: string[] }> {
  const damaged: string[] = [];
  let candidates: Candidate[] = [];
  let sequence = Number.POSITIVE_INFINITY;
  for (const version of folder.versions.toReversed()) {
    if (version.sequence !== sequence && candidates.length > 0) break;
    sequence = version.sequence;
    const candidate = await candidateOf(version, folder, options);
    if (candidate === null) damaged.push(version.key);
    else candidates = [...candidates, candidate];
  }
  return { candidates, damaged };
}

/** Reads a version back; null if it isn't intact. */
async function candidateOf(
  version: StoredVersion,
  { current }: HistoryFolder,
  options: RepairOptions,
): Promise<Candidate | null> {
  const { store, signal } = options;
  // Overwriting a version drops its metadata; then only the pointer still knows the hash.
  const pointer = current?.kind === "pointer" ? current.pointer : null;
  const sha256 = sha256InPointer(pointer, version.key);
  const read = await readVersion(store, { key: version.key, sha256 }, { signal });
  if (read.kind === "missing" || read.kind === "damaged") return null;
  if (packedMultiFlaw(read.bytes) !== null) return null;
  const isAsSaved = read.kind === "whole";
  const openedBy = openerOf(options);
  const failure = openedBy === null ? null : await tryToOpen(read.bytes, options, { signal });
  if (failure !== null && isAsSaved) {
    throw new ScbError(
      failure.code,
      `${store.location}/${version.key} holds the bytes that were saved, but ${openedBy === "key" ? "your key" : "the node"} doesn't open it: ${failure.message}; nothing was changed: to rely on the hashes alone, leave out ${openedBy === "key" ? "--key-file" : "--from"}`,
      { cause: failure },
    );
  }
  if (failure !== null) return null;
  return {
    ...version,
    sizeBytes: read.bytes.length,
    sha256: read.sha256,
    metadata: read.metadata,
    isKnownWhole: isAsSaved || openedBy !== null,
    openedBy,
  };
}

/** Picks the only candidate, if it is known to be intact and there is no second history. */
async function decide(
  state: PointerState,
  folder: HistoryFolder,
  { candidates, damaged }: { candidates: readonly Candidate[]; damaged: readonly string[] },
  options: RepairOptions,
): Promise<{ target: Candidate | null; candidates: readonly Candidate[] }> {
  const { store, signal } = options;
  const { versions, current } = folder;
  const previous = new Map<string, string | null>();
  await inParallel([...keysToTellApart(versions), ...damaged], async (key) => {
    previous.set(key, (await previousOf(store, key, { signal }))?.key ?? null);
  });
  // A version that was replaced had been committed, whatever happened to its successor.
  const replaced = new Set(damaged.map((key) => previous.get(key)));
  if (current?.kind === "pointer") replaced.add(current.pointer.previous?.key);
  const committed = candidates.filter(({ key }) => replaced.has(key));
  const possible = committed.length === 1 ? committed : candidates;
  const [only] = possible;
  if (only === undefined || possible.length > 1 || !only.isKnownWhole) {
    return { target: null, candidates: possible };
  }

  const standing = standings({
    versions,
    head: {
      sequence: only.sequence,
      key: only.key,
      previousKey: only.metadata?.previous?.key ?? null,
    },
    previousOf: (key) => previous.get(key) ?? null,
    pruned: await readPrunedRecord(store, { signal }),
  });
  const others = versions.filter(({ key }) => standing.get(key) === "branch").slice(-1);
  const held = current?.held?.key;
  if (state === "behind" && held !== undefined && standing.get(held) !== "lineage") {
    others.push(...versions.filter(({ key }) => key === held));
  }
  if (others.length === 0) return { target: only, candidates: possible };
  const rivals = await Promise.all(others.map((version) => candidateOf(version, folder, options)));
  return { target: null, candidates: [only, ...rivals.filter((rival) => rival !== null)] };
}

/** Walks back from the target as far as a pointer remembers. */
async function operationsOf(
  target: Candidate,
  { store, signal }: RepairOptions,
): Promise<string[]> {
  const operations = [target.operation];
  let before: VersionName | null = nameOf(target.metadata?.previous?.key);
  while (before !== null && operations.length < recentOperationsKept - 1) {
    operations.unshift(before.operation);
    before = nameOf((await previousOf(store, before.key, { signal }))?.key);
  }
  return operations;
}

function nameOf(key: string | undefined): VersionName | null {
  return key === undefined ? null : parseVersionKey(key);
}

async function previousOf(
  store: ObjectStore,
  key: string,
  options: RequestOptions,
): Promise<VersionMetadata["previous"]> {
  return readVersionMetadata(await metadataOf(store, key, options))?.previous ?? null;
}
