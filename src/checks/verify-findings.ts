import { type StoredVersion, savedAtOf } from "../repository/history.ts";
import type { HistoryFolder } from "../repository/history-folder.ts";
import { latestKey, parseVersionKey, prunedKey } from "../repository/layout.ts";
import { headOf, type Standing, standings } from "../repository/lineage.ts";
import { type PrunedRecord, wasPruned } from "../repository/pruned-record.ts";
import { isInFuture } from "../repository/times.ts";
import type { VersionMetadata } from "../repository/version-metadata.ts";
import { ScbError } from "../runtime/error.ts";
import { type Finding, findingOf } from "./finding.ts";
import { isInFlight } from "./freshness.ts";
import { strangerFindings } from "./verdict.ts";

/** Something worth knowing that isn't a problem. */
export interface VerifyNote {
  readonly key: string;
  readonly code: "orphan" | "pending" | "foreign";
  readonly message: string;
}

/** What reading one version back has shown. */
export interface VersionFacts {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly metadata: VersionMetadata | null;
  /** Why these bytes can't be a packed Multi, as far as it shows without a key. */
  readonly flaw: string | null;
  /** The channels that the key or the node found in it, or why it doesn't open; null if neither was asked. */
  readonly opened: readonly string[] | ScbError | null;
}

export interface FindingsInput {
  readonly folder: HistoryFolder;
  /** The folder's name. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Null if nothing was pruned, "damaged" if the record can't be read. */
  readonly pruned: PrunedRecord | null | "damaged";
  /** What was read back, by key; null if it was listed but is gone. */
  readonly facts: ReadonlyMap<string, VersionFacts | null>;
  /** The predecessor of a version that wasn't read back but shares its sequence with another. */
  readonly previousOf: (key: string) => string | null;
}

export interface HistoryFindings {
  /** Each subject is a key in the folder. Sorted by key. */
  readonly findings: readonly Finding[];
  readonly notes: readonly VerifyNote[];
}

/** Compares what was read with itself, the pointer and the record of pruned versions. */
export function findInHistory(input: FindingsInput): HistoryFindings {
  const { folder, facts, node, now } = input;
  const record = input.pruned === "damaged" ? null : input.pruned;
  const standing = standings({
    versions: folder.versions,
    head: headOf(folder.current),
    pruned: record,
    previousOf: (key) => facts.get(key)?.metadata?.previous?.key ?? input.previousOf(key),
  });
  const { current } = folder;
  const findings = [
    ...currentFindings(input, standing),
    ...readBackFindings(input, record),
    ...chainFindings(input, standing, record),
    ...(input.pruned === "damaged"
      ? [findingOf("record-damaged", prunedKey, "the record of what prune removed can't be read")]
      : gapFindings(input, standing, record)),
    ...strangerFindings(latestKey, node, current?.kind === "pointer" ? current.pointer : null),
    ...folder.versions.flatMap((version) => timeFindings(version, now)),
  ];
  const notes: VerifyNote[] = [];
  for (const version of folder.versions) {
    const { key } = version;
    switch (standing.get(key)) {
      case "branch": {
        const message = "someone restored an older pointer after this version was saved";
        findings.push(findingOf("branch", key, message));
        break;
      }
      case "ahead": {
        const message =
          "it is newer than the pointer can explain: someone restored an older pointer";
        findings.push(findingOf("pointer-behind", key, message));
        break;
      }
      case "orphan":
        notes.push({
          key,
          code: "orphan",
          message: "never became current: another version was first",
        });
        break;
      case "pending":
        if (isInFlight(savedAtOf(version), now)) {
          notes.push({
            key,
            code: "pending",
            message: "newer than the pointer: a swap is in progress",
          });
        } else {
          const message = `saved ${new Date(savedAtOf(version)).toISOString()}, newer than the version that the pointer names, but never became current`;
          findings.push(findingOf("version-beyond", key, message));
        }
        break;
    }
  }
  for (const key of folder.foreignKeys) {
    notes.push({ key, code: "foreign", message: "not written by scb-mirror" });
  }
  findings.sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
  return { findings, notes };
}

/** The pointer, and what it names. */
function currentFindings(
  { folder, facts }: FindingsInput,
  standing: ReadonlyMap<string, Standing>,
): Finding[] {
  const { current, pointerError } = folder;
  if (pointerError !== null) {
    const code = pointerError.code === "pointer-lost" ? "pointer-lost" : "pointer-damaged";
    return [findingOf(code, latestKey, pointerError.message)];
  }
  if (current === null) return [];
  if (current.held === null) {
    return [findingOf("no-backup", latestKey, "nothing was ever committed here")];
  }
  const { key, alsoRestore } = current.held;
  const findings: Finding[] = [];
  if (!standing.has(key)) {
    const message = "the pointer names it as current, but it is missing";
    findings.push(findingOf("version-missing", key, message));
  }
  for (const { key: needed, channelPoints } of alsoRestore) {
    const found = facts.get(needed) ?? null;
    const needs = "a restore needs it for the funds of closed channels, but";
    if (found === null) {
      findings.push(findingOf("also-missing", needed, `${needs} it is missing`));
      continue;
    }
    const { opened } = found;
    if (opened === null || opened instanceof ScbError) continue;
    const lacking = channelPoints.filter((point) => !opened.includes(point)).length;
    if (lacking === 0) continue;
    const message = `${needs} it lacks ${lacking} of the ${channelPoints.length}`;
    findings.push(findingOf("also-missing", needed, message));
  }
  return [...findings, ...pointerFindings(folder, facts)];
}

function readBackFindings(input: FindingsInput, record: PrunedRecord | null): Finding[] {
  const { folder, facts } = input;
  const held = folder.current?.held ?? null;
  const named = namedHashes(input);
  const findings: Finding[] = [];
  for (const [key, found] of facts) {
    if (found !== null) {
      const isAlso = held?.alsoRestore.some((also) => also.key === key) === true;
      findings.push(...versionFindings(key, found, named.get(key) ?? [], isAlso));
      continue;
    }
    const sequence = folder.versions.find((version) => version.key === key)?.sequence ?? 0;
    if (key !== held?.key && wasPruned(record, sequence, sequence)) continue;
    findings.push(findingOf("version-missing", key, "it was listed, but is missing"));
  }
  return findings;
}

/** The writer's clock was ahead. The age comes from the store's clock, unless that was ahead too. */
function timeFindings({ key, createdAt, storedAt }: StoredVersion, now: number): Finding[] {
  if (!isInFuture(createdAt, now)) return [];
  const message = `it claims to be saved at ${new Date(createdAt).toISOString()}, which is in the future`;
  const level = isInFuture(storedAt, now) ? "unknown" : "warning";
  return [findingOf("time-in-future", key, message, { level })];
}

interface NamedHash {
  readonly by: string;
  readonly sha256: string;
  readonly sizeBytes: number | null;
}

/** The hashes that the pointer and the next version recorded for a version. */
function namedHashes({ folder, facts }: FindingsInput): Map<string, NamedHash[]> {
  const named = new Map<string, NamedHash[]>();
  const add = (key: string, hash: NamedHash): void => {
    named.set(key, [...(named.get(key) ?? []), hash]);
  };
  for (const [by, found] of facts) {
    const previous = found?.metadata?.previous;
    if (previous != null) add(previous.key, { by, sha256: previous.sha256, sizeBytes: null });
  }
  const { current } = folder;
  if (current?.kind !== "pointer") return named;
  const { key, sha256, sizeBytes, alsoRestore } = current.held;
  add(key, { by: latestKey, sha256, sizeBytes });
  for (const also of alsoRestore) {
    if (also.sha256 !== null) {
      add(also.key, { by: latestKey, sha256: also.sha256, sizeBytes: null });
    }
  }
  const { previous } = current.pointer;
  if (previous !== null) add(previous.key, { by: latestKey, ...previous, sizeBytes: null });
  return named;
}

function versionFindings(
  key: string,
  found: VersionFacts,
  named: readonly NamedHash[],
  isAlso: boolean,
): Finding[] {
  const { metadata, sha256, sizeBytes, opened, flaw } = found;
  const findings: Finding[] = [];
  const saved = [...named];
  if (metadata !== null)
    saved.unshift({ by: "its metadata", sha256: metadata.sha256, sizeBytes: null });
  const other = saved.find(
    (hash) => hash.sha256 !== sha256 || (hash.sizeBytes !== null && hash.sizeBytes !== sizeBytes),
  );
  if (other === undefined && flaw !== null) {
    const message = `it is not a channel backup, whatever its hash says: ${flaw}`;
    findings.push(findingOf(isAlso ? "also-missing" : "version-damaged", key, message));
  }
  if (other !== undefined) {
    const message = `its ${sizeBytes} bytes (sha256 ${sha256}) aren't what ${other.by} says (${other.sha256}): don't restore from it`;
    findings.push(findingOf(isAlso ? "also-missing" : "version-damaged", key, message));
  }
  if (saved.length === 0 && (opened === null || opened instanceof ScbError)) {
    const message =
      "its metadata is gone, as after a copy that drops metadata, so nothing shows what it should be: use --key-file or --from lnd to find out";
    findings.push(findingOf("version-unproven", key, message));
  }
  if (metadata !== null && !key.endsWith(nameOf(metadata))) {
    const message = `its metadata belongs to another version (${nameOf(metadata)})`;
    findings.push(findingOf("metadata-wrong", key, message));
  }
  if (opened instanceof ScbError) {
    findings.push(findingOf("undecryptable", key, opened.message));
  }
  return findings;
}

function nameOf({ sequence, operation }: VersionMetadata): string {
  return `${String(sequence).padStart(20, "0")}-${operation}.backup`;
}

function pointerFindings({ current }: HistoryFolder, facts: FindingsInput["facts"]): Finding[] {
  if (current?.kind !== "pointer") return [];
  const metadata = facts.get(current.held.key)?.metadata;
  if (metadata == null) return [];
  const { previous } = current.pointer;
  const agrees =
    previous?.key === metadata.previous?.key && previous?.sha256 === metadata.previous?.sha256;
  if (agrees) return [];
  const message = `it says that ${previous?.key ?? "nothing"} came before ${current.held.key}, but that version says ${metadata.previous?.key ?? "nothing"}`;
  return [findingOf("chain-broken", latestKey, message)];
}

/** Each version has to name the one before it, unless it is the first. */
function chainFindings(
  { facts, folder }: FindingsInput,
  standing: ReadonlyMap<string, Standing>,
  record: PrunedRecord | null,
): Finding[] {
  const findings: Finding[] = [];
  const sequences = new Set(folder.versions.map(({ sequence }) => sequence));
  for (const { key, sequence } of folder.versions) {
    const metadata = facts.get(key)?.metadata;
    if (metadata == null || metadata.singleWriter || standing.get(key) === "branch") continue;
    const { previous } = metadata;
    const broken = (message: string): void => {
      findings.push(findingOf("chain-broken", key, message));
    };
    if (previous === null) {
      if (sequence !== 1) broken("it names no previous version, but isn't the first");
      continue;
    }
    if (parseVersionKey(previous.key)?.sequence !== sequence - 1) {
      broken(
        `it names ${previous.key} as the previous version, which doesn't have the previous sequence`,
      );
    } else if (
      // If nothing of that sequence is left, it is reported as a gap instead.
      sequences.has(sequence - 1) &&
      !standing.has(previous.key) &&
      !wasPruned(record, sequence - 1, sequence - 1)
    ) {
      broken(`the previous version, ${previous.key}, is missing`);
    }
  }
  return findings;
}

/** Sequences that are missing and weren't pruned: one finding for each stretch. */
function gapFindings(
  { folder }: FindingsInput,
  standing: ReadonlyMap<string, Standing>,
  record: PrunedRecord | null,
): Finding[] {
  const lineage = folder.versions.filter(({ key }) => standing.get(key) === "lineage");
  // If the version that the pointer names is missing, it has a finding already.
  const head = folder.current?.held?.sequence ?? lineage.at(-1)?.sequence ?? 1;
  const accounted = [
    ...(record?.removed ?? []),
    ...lineage.map(({ sequence }) => [sequence, sequence] as const),
    [head, head] as const,
  ].sort(([a], [b]) => a - b);
  const findings: Finding[] = [];
  let next = 1;
  for (const [from, to] of accounted) {
    if (from > next) {
      const key = lineage.find(({ sequence }) => sequence >= from)?.key ?? latestKey;
      const which =
        next === from - 1 ? `sequence ${next} is` : `sequences ${next} to ${from - 1} are`;
      findings.push(findingOf("gap", key, `before it, ${which} missing, though not pruned`));
    }
    next = Math.max(next, to + 1);
  }
  return findings;
}
