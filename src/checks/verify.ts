import { packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { AlsoRestore } from "../repository/also-restore.ts";
import { type StoredVersion, savedAtOf } from "../repository/history.ts";
import { type HistoryFolder, readFolder } from "../repository/history-folder.ts";
import { keysToTellApart } from "../repository/lineage.ts";
import { channelPointsIn, type Openers, openerOf } from "../repository/openers.ts";
import { type PrunedRecord, readPrunedRecord } from "../repository/pruned-record.ts";
import { readVersion } from "../repository/version.ts";
import { metadataOf, readVersionMetadata } from "../repository/version-metadata.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { type Finding, type FindingCode, type Verdict, verdictOf } from "./finding.ts";
import { findInHistory, type VerifyNote, type VersionFacts } from "./verify-findings.ts";

/** The key opens each version or, without one, the node; without either, nothing is opened. */
export interface VerifyOptions extends RequestOptions, Openers {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** The name of that folder. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly random: Random;
  /** Only versions of this sequence or a later one, or saved at this time or later. */
  readonly since?: { readonly sequence: number } | { readonly savedAt: number } | undefined;
  /** Only N of those, chosen at random. */
  readonly sample?: number | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What was read back, and what is wrong with it. */
export interface VerifyReport {
  /** Whether the verdict is "safe". */
  readonly ok: boolean;
  /** About the pointer and the versions that were read back. */
  readonly verdict: Verdict;
  /** Each subject is a key in the folder. Sorted by key. */
  readonly findings: readonly Finding[];
  /** The findings that the verdict rests on. */
  readonly problems: readonly {
    readonly key: string;
    readonly code: FindingCode;
    readonly message: string;
  }[];
  readonly notes: readonly VerifyNote[];
  /** What else a restore of the current version needs, according to the pointer. Always read back. */
  readonly also: readonly AlsoRestore[];
  /** How many versions were read back in full. */
  readonly checked: number;
  /** How many there are. `since` and `sample` limit how many are checked. */
  readonly total: number;
  /** What opened them. */
  readonly openedBy: "key" | "lnd" | null;
}

/**
 * Reads versions back and compares size, hash, metadata, chain and pointer. The current version, and those
 * that a restore also needs, are always among them. Throws "aborted", and what the store or the node throws;
 * the message says how far it got. There is no report on half a check.
 */
export async function verifyHistory(options: VerifyOptions): Promise<VerifyReport> {
  const { store, signal, onProgress } = options;
  const folder = await readFolder(store, { signal });
  const selected = selectVersions(folder, options);
  const facts = new Map<string, VersionFacts | null>();
  try {
    await inParallel(selected, async ({ key }) => {
      throwIfAborted(signal);
      facts.set(key, await factsOf(key, options));
      onProgress?.(facts.size, selected.length);
    });
  } catch (error) {
    const known = ScbError.from(error);
    throw new ScbError(
      known.code,
      `${known.message} (${facts.size} of ${selected.length} versions were read back, which says nothing about the others)`,
      { cause: error },
    );
  }
  const previous = await readPrevious(folder, facts, options);
  // Read last, so that it includes what prune removed meanwhile.
  const pruned = await readPruned(store, { signal });
  const previousOf = (key: string): string | null => previous.get(key) ?? null;
  const { node, now } = options;
  const { findings, notes } = findInHistory({ folder, node, now, pruned, facts, previousOf });
  const verdict = verdictOf(findings);
  return {
    ok: verdict === "safe",
    verdict,
    checked: [...facts.values()].filter((found) => found !== null).length,
    total: folder.versions.length,
    openedBy: openerOf(options),
    findings,
    problems: findings
      .filter(({ level }) => level !== "warning")
      .map(({ subject, code, message }) => ({ key: subject, code, message })),
    notes,
    also: folder.current?.held?.alsoRestore ?? [],
  };
}

function selectVersions(
  { versions, current }: HistoryFolder,
  { since, sample, random }: VerifyOptions,
): StoredVersion[] {
  const { held = null } = current ?? {};
  const isNeeded = ({ key }: StoredVersion): boolean =>
    key === held?.key || held?.alsoRestore.some((also) => also.key === key) === true;
  const isRecent = (version: StoredVersion): boolean => {
    if (since === undefined) return true;
    if ("sequence" in since) return version.sequence >= since.sequence;
    return savedAtOf(version) >= since.savedAt;
  };
  const wanted = versions.filter((version) => !isNeeded(version) && isRecent(version));
  const chosen = versions.filter(isNeeded);
  if (sample === undefined || sample >= wanted.length + chosen.length) {
    return [...chosen, ...wanted];
  }
  while (chosen.length < sample) {
    const [one] = wanted.splice(Math.floor(random.unit() * wanted.length), 1);
    if (one === undefined) break;
    chosen.push(one);
  }
  return chosen;
}

async function factsOf(key: string, options: VerifyOptions): Promise<VersionFacts | null> {
  const { store, signal } = options;
  const version = await readVersion(store, { key }, { signal });
  if (version.kind === "missing") return null;
  const { bytes, sha256, metadata } = version;
  const facts = { sizeBytes: bytes.length, sha256, metadata, flaw: packedMultiFlaw(bytes) };
  if (openerOf(options) === null) return { ...facts, opened: null };
  return { ...facts, opened: await channelPointsIn(bytes, options, { signal }) };
}

/** Versions with the same sequence that weren't read back are told apart by their metadata. */
async function readPrevious(
  folder: HistoryFolder,
  facts: ReadonlyMap<string, VersionFacts | null>,
  { store, signal }: VerifyOptions,
): Promise<Map<string, string | null>> {
  const previous = new Map<string, string | null>();
  const unread = keysToTellApart(folder.versions).filter((key) => !facts.has(key));
  await inParallel(unread, async (key) => {
    const metadata = readVersionMetadata(await metadataOf(store, key, { signal }));
    previous.set(key, metadata?.previous?.key ?? null);
  });
  return previous;
}

async function readPruned(
  store: ObjectStore,
  options: RequestOptions,
): Promise<PrunedRecord | null | "damaged"> {
  try {
    return await readPrunedRecord(store, options);
  } catch (error) {
    if (hasCode(error, "decode")) return "damaged";
    throw error;
  }
}
