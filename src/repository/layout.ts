import { ScbError } from "../runtime/error.ts";
import { operationIdPattern } from "./operation-id.ts";

/**
 * The layout of a node's folder. Every key here is relative to that folder, and so are all keys in the
 * pointer, in metadata and in output. Source: docs/protocol.md, "The folder of
 * a node".
 */
export const latestKey = "latest.json";

/**
 * Written once, after the first commit ever. From then on, a missing pointer means a lost one. Otherwise
 * a folder with only versions of sequence 1 could be a first swap that was cut short.
 */
export const originKey = "origin.json";

/**
 * The sequences that `prune` removed, written before it removes them. A version that is missing and not
 * recorded there was lost.
 */
export const prunedKey = "pruned.json";

export const versionsPrefix = "versions/";
export const quarantinePrefix = "quarantine/";
export const probePrefix = "probe/";
/** A record of each restore. Whoever looks after the node must then look after its mirror too. */
export const restoresPrefix = "restores/";
export const probeVerdictKey = "probe/verdict.json";
export const drillsPrefix = "drills/";
/** The mirrors' attestations, one object each. */
export const mirrorsPrefix = "mirrors/";

/**
 * One swap a millisecond for thirty years. A higher sequence is forged, and would leave no room to
 * continue.
 */
export const maxSequence = 999_999_999_999;

export interface VersionName {
  readonly key: string;
  /** Begins at 1. */
  readonly sequence: number;
  /** The ULID of the operation that wrote it. */
  readonly operation: string;
}

/** The key of a version. The sequence has 20 digits, so that listings are in chronological order. */
export function versionKey(sequence: number, operation: string): string {
  return `${versionsPrefix}${sequence.toString().padStart(20, "0")}-${operation}.backup`;
}

const versionPattern = new RegExp(`^versions/(\\d{20})-(${operationIdPattern})\\.backup$`);
const quarantinePattern = new RegExp(`^quarantine/(${operationIdPattern})\\.(backup|json)$`);

const restoreRecordPattern = new RegExp(`^restores/(${operationIdPattern})\\.json$`);

/** Parses a version's key; null for anything else in the folder. */
export function parseVersionKey(key: string): VersionName | null {
  const match = versionPattern.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const sequence = Number(match[1]);
  if (sequence < 1 || sequence > maxSequence) return null;
  return { key, sequence, operation: match[2] };
}

export function quarantineKeys(operation: string): { backup: string; why: string } {
  const stem = `${quarantinePrefix}${operation}`;
  return { backup: `${stem}.backup`, why: `${stem}.json` };
}

/** Parses the key of a quarantined backup or of its reason; null for anything else. */
export function parseQuarantineKey(
  key: string,
): { readonly operation: string; readonly kind: "backup" | "why" } | null {
  const match = quarantinePattern.exec(key);
  if (match?.[1] === undefined) return null;
  return { operation: match[1], kind: match[2] === "json" ? "why" : "backup" };
}

/** `id` is a ULID, so that listings are in chronological order. */
export function restoreRecordKey(id: string): string {
  return `${restoresPrefix}${id}.json`;
}

/** The ULID of a restore record's key; null for anything else. */
export function parseRestoreRecordKey(key: string): string | null {
  return restoreRecordPattern.exec(key)?.[1] ?? null;
}

/**
 * Checks the name of a node's folder: one path segment of letters, digits, `.`, `_` and `-` that doesn't
 * begin with a dot. Otherwise throws "usage".
 */
export function checkNodeName(name: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(name)) {
    throw new ScbError(
      "usage",
      `the node name ${JSON.stringify(name)} can't be a folder name: use 1 to 128 letters, digits, ".", "_" or "-", not starting with "."`,
    );
  }
  return name;
}
