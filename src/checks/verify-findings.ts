import type { HistoryFolder } from "../repository/history-folder.ts";
import { latestKey, parseVersionKey, prunedKey } from "../repository/layout.ts";
import { headOf, type Standing, standings } from "../repository/lineage.ts";
import { type PrunedRecord, wasPruned } from "../repository/pruned-record.ts";
import type { VersionMetadata } from "../repository/version-metadata.ts";

export const verifyProblemCodes = [
  "no-backup", // nothing was ever saved here
  "pointer-lost",
  "pointer-damaged",
  "record-damaged", // `pruned.json` cannot be read
  "version-missing", // named by the pointer or listed, and not there
  "version-damaged", // other bytes than were saved
  "unverified", // nothing says what its bytes were, as after a copy that dropped the metadata
  "metadata-wrong", // it says of itself what its key does not
  "chain-broken", // it does not follow the version before it
  "gap", // versions are missing that prune has not removed
  "branch", // an older pointer was put back: what was saved in the meantime is not in the lineage
  "ahead", // later than the pointer can explain
  "undecryptable", // the key, or the node, does not open it
] as const;

export interface VerifyProblem {
  readonly key: string;
  readonly code: (typeof verifyProblemCodes)[number];
  readonly message: string;
}

/** What is worth knowing and no problem. */
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
  /** Whether a key or the node has opened it; null where neither was asked. */
  readonly opened: boolean | null;
  /** Why it was not. */
  readonly openError: string | null;
}

export interface FindingsInput {
  readonly folder: HistoryFolder;
  /** Null where nothing was pruned, "damaged" where the record cannot be read. */
  readonly pruned: PrunedRecord | null | "damaged";
  /** What was read back, by key; null for what was listed and is gone. */
  readonly facts: ReadonlyMap<string, VersionFacts | null>;
  /** The metadata of versions that were not read back and had to be told apart. */
  readonly previousOf: (key: string) => string | null;
}

export interface Findings {
  readonly problems: readonly VerifyProblem[];
  readonly notes: readonly VerifyNote[];
}

/** Compares what was read with itself, the pointer and the record of what was pruned. */
export function findProblems(input: FindingsInput): Findings {
  const { folder, facts } = input;
  const problems: VerifyProblem[] = [];
  const problem = (key: string, code: VerifyProblem["code"], message: string): void => {
    problems.push({ key, code, message });
  };
  const record = input.pruned === "damaged" ? null : input.pruned;
  if (input.pruned === "damaged") {
    problem(prunedKey, "record-damaged", "what prune has removed cannot be read");
  }
  const { current, pointerError } = folder;
  if (pointerError !== null) {
    const code = pointerError.code === "pointer-lost" ? "pointer-lost" : "pointer-damaged";
    problem(latestKey, code, pointerError.message);
  }
  const standing = standings({
    versions: folder.versions,
    head: headOf(current),
    pruned: record,
    previousOf: (key) => facts.get(key)?.metadata?.previous?.key ?? input.previousOf(key),
  });
  const named = namedHashes(input);
  const held = current?.held ?? null;
  if (held !== null && !standing.has(held.key)) {
    problem(held.key, "version-missing", "the pointer names it as current, and it is not there");
  } else if (current !== null && held === null) {
    problem(latestKey, "no-backup", "nothing was ever committed here: start scb-mirror run");
  }

  for (const [key, found] of facts) {
    if (found === null) {
      const sequence = folder.versions.find((version) => version.key === key)?.sequence ?? 0;
      if (key !== held?.key && wasPruned(record, sequence, sequence)) continue;
      problem(key, "version-missing", "it was listed, and is not there");
      continue;
    }
    for (const { code, message } of versionProblems(key, found, named.get(key) ?? [])) {
      problem(key, code, message);
    }
  }
  problems.push(...pointerProblems(input), ...chainProblems(input, standing, record));
  if (input.pruned !== "damaged") problems.push(...gapProblems(input, standing, record));

  const notes: VerifyNote[] = [];
  for (const { key } of folder.versions) {
    const its = standing.get(key);
    if (its === "branch") {
      problem(key, "branch", "an older pointer was put back, and this was saved before that");
    } else if (its === "ahead") {
      problem(key, "ahead", "it is newer than the pointer can explain: an old one was put back");
    } else if (its === "orphan") {
      notes.push({ key, code: "orphan", message: "never became current: another was first" });
    } else if (its === "pending") {
      notes.push({ key, code: "pending", message: "newer than the pointer: a swap under way" });
    }
  }
  for (const key of folder.foreignKeys) {
    notes.push({ key, code: "foreign", message: "not written by scb-mirror" });
  }
  problems.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return { problems, notes };
}

interface NamedHash {
  readonly by: string;
  readonly sha256: string;
  readonly sizeBytes: number | null;
}

/** What others say the hash of a version is: the pointer, and the version after it. */
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
  const { key, sha256, sizeBytes } = current.held;
  add(key, { by: latestKey, sha256, sizeBytes });
  const { previous } = current.pointer;
  if (previous !== null) add(previous.key, { by: latestKey, ...previous, sizeBytes: null });
  return named;
}

function versionProblems(
  key: string,
  found: VersionFacts,
  named: readonly NamedHash[],
): Omit<VerifyProblem, "key">[] {
  const { metadata, sha256, sizeBytes, opened, openError } = found;
  const problems: Omit<VerifyProblem, "key">[] = [];
  const saved = [...named];
  if (metadata !== null)
    saved.unshift({ by: "its metadata", sha256: metadata.sha256, sizeBytes: null });
  const other = saved.find(
    (hash) => hash.sha256 !== sha256 || (hash.sizeBytes !== null && hash.sizeBytes !== sizeBytes),
  );
  if (other !== undefined) {
    const message = `its ${sizeBytes} bytes (sha256 ${sha256}) are not what ${other.by} says (${other.sha256}): do not restore from it`;
    problems.push({ code: "version-damaged", message });
  }
  if (saved.length === 0 && opened !== true) {
    const message =
      "its metadata is gone, as after a copy that drops it, so nothing says what it should be: --key-file or --from lnd can tell";
    problems.push({ code: "unverified", message });
  }
  if (metadata !== null && !key.endsWith(nameOf(metadata))) {
    const message = `its metadata is that of another version (${nameOf(metadata)})`;
    problems.push({ code: "metadata-wrong", message });
  }
  if (opened === false) {
    problems.push({ code: "undecryptable", message: openError ?? "it does not open" });
  }
  return problems;
}

function nameOf({ sequence, operation }: VersionMetadata): string {
  return `${String(sequence).padStart(20, "0")}-${operation}.backup`;
}

function pointerProblems({ folder, facts }: FindingsInput): VerifyProblem[] {
  const { current } = folder;
  if (current?.kind !== "pointer") return [];
  const metadata = facts.get(current.held.key)?.metadata;
  if (metadata == null) return [];
  const { previous } = current.pointer;
  const agrees =
    previous?.key === metadata.previous?.key && previous?.sha256 === metadata.previous?.sha256;
  if (agrees) return [];
  const message = `it says that ${previous?.key ?? "nothing"} came before ${current.held.key}, which itself says ${metadata.previous?.key ?? "nothing"}`;
  return [{ key: latestKey, code: "chain-broken", message }];
}

/** Each version has to name the one before it, unless it is the first. */
function chainProblems(
  { facts, folder }: FindingsInput,
  standing: ReadonlyMap<string, Standing>,
  record: PrunedRecord | null,
): VerifyProblem[] {
  const problems: VerifyProblem[] = [];
  const sequences = new Set(folder.versions.map(({ sequence }) => sequence));
  for (const { key, sequence } of folder.versions) {
    const metadata = facts.get(key)?.metadata;
    if (metadata == null || metadata.singleWriter || standing.get(key) === "branch") continue;
    const { previous } = metadata;
    const broken = (message: string): void => {
      problems.push({ key, code: "chain-broken", message });
    };
    if (previous === null) {
      if (sequence !== 1) broken("it names no version before it, and is not the first");
      continue;
    }
    if (parseVersionKey(previous.key)?.sequence !== sequence - 1) {
      broken(`it names ${previous.key} before it, which is not of the sequence before`);
    } else if (
      // Where nothing of that sequence is left, the gap is told instead.
      sequences.has(sequence - 1) &&
      !standing.has(previous.key) &&
      !wasPruned(record, sequence - 1, sequence - 1)
    ) {
      broken(`the version before it, ${previous.key}, is not there`);
    }
  }
  return problems;
}

/** The sequences that are not there and were not pruned, a problem for each stretch of them. */
function gapProblems(
  { folder }: FindingsInput,
  standing: ReadonlyMap<string, Standing>,
  record: PrunedRecord | null,
): VerifyProblem[] {
  const lineage = folder.versions.filter(({ key }) => standing.get(key) === "lineage");
  // That what the pointer names is missing is told already.
  const head = folder.current?.held?.sequence ?? lineage.at(-1)?.sequence ?? 1;
  const accounted = [
    ...(record?.removed ?? []),
    ...lineage.map(({ sequence }) => [sequence, sequence] as const),
    [head, head] as const,
  ].sort(([a], [b]) => a - b);
  const problems: VerifyProblem[] = [];
  let next = 1;
  for (const [from, to] of accounted) {
    if (from > next) {
      const key = lineage.find(({ sequence }) => sequence >= from)?.key ?? latestKey;
      const which =
        next === from - 1 ? `sequence ${next} is` : `sequences ${next} to ${from - 1} are`;
      problems.push({ key, code: "gap", message: `before it ${which} missing, and not pruned` });
    }
    next = Math.max(next, to + 1);
  }
  return problems;
}
