import { readStandings, type StoredVersion } from "../../repository/history.ts";
import { type HistoryFolder, readFolder } from "../../repository/history-folder.ts";
import {
  parseQuarantineKey,
  parseRestoreRecordKey,
  quarantinePrefix,
  restoresPrefix,
} from "../../repository/layout.ts";
import type { Standing } from "../../repository/lineage.ts";
import { encodePointer, type Pointer } from "../../repository/pointer.ts";
import { type PrunedRecord, readPrunedRecord } from "../../repository/pruned-record.ts";
import { metadataOf, readVersionMetadata } from "../../repository/version-metadata.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import type {
  ListedObject,
  ObjectStore,
  PutCondition,
  RequestOptions,
} from "../../store/object-store.ts";
import { relationOf, type SourceFacts } from "./copy-relation.ts";

export interface CopyStores extends RequestOptions {
  /** The node's folder to copy from. It is only read. */
  readonly source: ObjectStore;
  /** The same node's folder in another place. */
  readonly target: ObjectStore;
}

/** One object, with the size of what the target has under its key; null if it has nothing. */
export interface CopyItem {
  readonly object: Pick<ListedObject, "key" | "sizeBytes">;
  readonly targetSizeBytes: number | null;
}

/** What to do with the target's pointer. */
export type PointerPlan =
  /** Replace it with the source's, unchanged. */
  | { readonly kind: "place"; readonly bytes: Uint8Array; readonly condition: PutCondition }
  /** It already names the same version as the source's. */
  | { readonly kind: "level" }
  /** There is none: the folder was written with `--single-writer`. */
  | { readonly kind: "none" }
  /** The versions can be copied, but a person has to decide which one is current. */
  | { readonly kind: "withheld"; readonly reason: string };

export interface CopyPlan {
  /** What was current at the source when the plan was made; null if that isn't known. */
  readonly pointer: Pointer | null;
  /** First those that a restore needs besides the current one, then that one, then from newest to oldest. */
  readonly versions: readonly CopyItem[];
  /** Refused backups with the reasons, and records of restores. */
  readonly records: readonly CopyItem[];
  readonly pointerPlan: PointerPlan;
  readonly standing: ReadonlyMap<string, Standing>;
  /** The keys of versions that only the target has. */
  readonly targetOnly: readonly string[];
  /** The keys of versions that the source's pointer names but the source doesn't list. */
  readonly lost: readonly string[];
}

/**
 * Compares two folders by their listings and pointers, and makes a plan. Changes nothing, and reads no
 * version. Throws "not-found" if the source has no backup, "wrong-node" and "refused" for a target that
 * isn't part of the source's history, and what the stores throw.
 */
export async function planCopy({ source, target, signal }: CopyStores): Promise<CopyPlan> {
  // The target first, so that a version committed meanwhile can't seem to be missing from the source.
  const there = await readFolder(target, { signal });
  const here = await readFolder(source, { signal });
  if (here.pointerError === null && here.current?.kind === "none") {
    throw new ScbError("not-found", `there is no backup in ${source.location} yet`);
  }
  refuseDamaged(target, there);
  const ours = pointerOf(here);
  const pruned = await prunedOrNull(source, { signal });
  const standing = await readStandings(source, here.versions, here.current, { signal });
  const theirs = pointerOf(there);
  const facts: SourceFacts = {
    location: source.location,
    pointer: ours,
    keys: keysOf(here),
    standing,
    pruned,
    namedByNext: theirs && (await nameBeforeNext(source, here, theirs, standing, signal)),
    reach: here.current?.held?.sequence ?? here.versions.at(-1)?.sequence ?? 0,
  };
  refuseOtherKind({ source, target }, here, there);
  const relation = relationOf(facts, {
    location: target.location,
    pointer: theirs,
    keys: keysOf(there),
  });
  const pointerPlan = pointerPlanOf(source, here, there, standing);
  const isLevel = relation === "level" && pointerPlan.kind === "place";
  return {
    pointer: ours,
    versions: itemsOf(ordered(here, ours), there.versions),
    records: await recordItems({ source, target, signal }),
    pointerPlan: isLevel ? { kind: "level" } : pointerPlan,
    standing,
    targetOnly: [...keysOf(there)].filter((key) => !facts.keys.has(key)),
    lost: namedIn(ours).filter((key) => !facts.keys.has(key)),
  };
}

function pointerOf({ current }: HistoryFolder): Pointer | null {
  return current?.kind === "pointer" ? current.pointer : null;
}

/** The versions that a restore needs. */
export function namedIn(pointer: Pointer | null): string[] {
  if (pointer === null) return [];
  return [pointer.version, ...(pointer.alsoRestore ?? [])].map(({ key }) => key);
}

function keysOf({ versions }: HistoryFolder): ReadonlySet<string> {
  return new Set(versions.map(({ key }) => key));
}

function refuseDamaged({ location }: ObjectStore, { pointerError }: HistoryFolder): void {
  if (pointerError?.code !== "pointer-damaged") return;
  throw new ScbError(
    "refused",
    `nothing was copied, because it isn't known what is current in ${location}: ${pointerError.message}`,
    { cause: pointerError },
  );
}

/** A folder written with `--single-writer` can't be merged with one that has a pointer. */
function refuseOtherKind(
  { source, target }: CopyStores,
  here: HistoryFolder,
  there: HistoryFolder,
): void {
  const [from, to] = [here.current?.kind, there.current?.kind];
  const isMixed = (from === "newest" && to === "pointer") || (from !== "newest" && to === "newest");
  if (!isMixed) return;
  const single = from === "newest" ? source : target;
  throw new ScbError(
    "refused",
    `nothing was copied from ${source.location}: ${single.location} is append-only and has no pointer, but the other folder has one, so they have different histories. Copy to an empty folder`,
  );
}

/** What the version after the target's current one names as its predecessor. */
async function nameBeforeNext(
  source: ObjectStore,
  { versions }: HistoryFolder,
  { sequence }: Pointer,
  standing: ReadonlyMap<string, Standing>,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const next = versions.find(
    (version) => version.sequence === sequence + 1 && standing.get(version.key) === "lineage",
  );
  if (next === undefined) return null;
  const metadata = readVersionMetadata(await metadataOf(source, next.key, { signal }));
  return metadata?.previous?.key ?? null;
}

function pointerPlanOf(
  source: ObjectStore,
  here: HistoryFolder,
  there: HistoryFolder,
  standing: ReadonlyMap<string, Standing>,
): PointerPlan {
  const remedy = "repair the source (scb-mirror repair) and copy again, or repair only the copy";
  if (here.pointerError !== null) {
    const [what = ""] = here.pointerError.message.split("; nothing was changed");
    return { kind: "withheld", reason: `${what}; ${remedy}` };
  }
  const pointer = pointerOf(here);
  if (pointer === null) return { kind: "none" };
  const ahead = [...standing].find(([, is]) => is === "ahead");
  if (ahead !== undefined) {
    return {
      kind: "withheld",
      reason: `${source.location} holds ${ahead[0]}, which its pointer (sequence ${pointer.sequence}) can't explain: someone restored an older pointer; ${remedy}`,
    };
  }
  const condition: PutCondition =
    there.current?.kind === "pointer"
      ? { kind: "match", etag: there.current.etag }
      : { kind: "absent" };
  return { kind: "place", bytes: encodePointer(pointer), condition };
}

/** Null also if it can't be read: it only explains gaps, and must not keep versions from being copied. */
export async function prunedOrNull(
  store: ObjectStore,
  options: RequestOptions,
): Promise<PrunedRecord | null> {
  try {
    return await readPrunedRecord(store, options);
  } catch (error) {
    if (hasCode(error, "decode")) return null;
    throw error;
  }
}

/** The most valuable versions first, so that an interrupted copy is as useful as possible. */
function ordered({ versions }: HistoryFolder, pointer: Pointer | null): StoredVersion[] {
  const needed = new Set(pointer?.alsoRestore?.map(({ key }) => key));
  const rank = ({ key }: StoredVersion): number =>
    needed.has(key) ? 0 : key === pointer?.version.key ? 1 : 2;
  return versions.toReversed().sort((a, b) => rank(a) - rank(b));
}

/**
 * Records about the node. Records of drills and the probe's verdict are about one store, and aren't
 * copied.
 */
async function recordItems({ source, target, signal }: CopyStores): Promise<CopyItem[]> {
  const items: CopyItem[] = [];
  const isOurs = ({ key }: ListedObject): boolean =>
    parseQuarantineKey(key) !== null || parseRestoreRecordKey(key) !== null;
  for (const prefix of [quarantinePrefix, restoresPrefix]) {
    const here = (await listAll(source, prefix, signal)).filter(isOurs);
    if (here.length > 0) items.push(...itemsOf(here, await listAll(target, prefix, signal)));
  }
  return items;
}

async function listAll(
  store: ObjectStore,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<ListedObject[]> {
  const listed: ListedObject[] = [];
  for await (const object of store.list(prefix, { signal })) listed.push(object);
  return listed;
}

function itemsOf(
  here: readonly Pick<ListedObject, "key" | "sizeBytes">[],
  there: readonly Pick<ListedObject, "key" | "sizeBytes">[],
): CopyItem[] {
  const sizes = new Map(there.map(({ key, sizeBytes }) => [key, sizeBytes]));
  return here.map(({ key, sizeBytes }) => ({
    object: { key, sizeBytes },
    targetSizeBytes: sizes.get(key) ?? null,
  }));
}
