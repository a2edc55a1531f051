import { ScbError } from "../runtime/error.ts";
import { operationIdPattern } from "./operation-id.ts";

/**
 * Where things lie in a node's folder. Every key here is relative to that folder, and so is every
 * key that the pointer, the metadata or an output holds. Source: the swap protocol, "Objects".
 */
export const latestKey = "latest.json";

/**
 * Written once, after the first commit ever. From then on a missing pointer is a lost one: without
 * it, a folder with nothing but versions of sequence 1 could as well be a first swap cut short.
 */
export const originKey = "origin.json";

/**
 * Which sequences `prune` has removed, written before it removes them: what is missing and is not
 * named there was lost.
 */
export const prunedKey = "pruned.json";

export const versionsPrefix = "versions/";
export const quarantinePrefix = "quarantine/";
export const probePrefix = "probe/";
/** A small note of each restore: who looks after the node must look after its mirror then. */
export const restoresPrefix = "restores/";
export const probeVerdictKey = "probe/verdict.json";
export const drillsPrefix = "drills/";
/** What each mirror says of itself, in an object of its own. */
export const mirrorsPrefix = "mirrors/";

/** A swap each millisecond for thirty years: what lies beyond was made up, and leaves no room to go on. */
export const maxSequence = 999_999_999_999;

export interface VersionName {
  readonly key: string;
  /** Begins at 1. */
  readonly sequence: number;
  /** The ULID of the operation that wrote it. */
  readonly operation: string;
}

/** The key of a version: 20 digits, so that the order of a listing is the order of time. */
export function versionKey(sequence: number, operation: string): string {
  return `${versionsPrefix}${sequence.toString().padStart(20, "0")}-${operation}.backup`;
}

const versionPattern = new RegExp(`^versions/(\\d{20})-(${operationIdPattern})\\.backup$`);
const quarantinePattern = new RegExp(`^quarantine/(${operationIdPattern})\\.(backup|json)$`);

const restoreRecordPattern = new RegExp(`^restores/(${operationIdPattern})\\.json$`);

/** Reads a version's key; null for anything else that somebody put into the folder. */
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

/** Reads the key of a quarantined backup or of its reason; null for anything else. */
export function parseQuarantineKey(
  key: string,
): { readonly operation: string; readonly kind: "backup" | "why" } | null {
  const match = quarantinePattern.exec(key);
  if (match?.[1] === undefined) return null;
  return { operation: match[1], kind: match[2] === "json" ? "why" : "backup" };
}

/** `id` is a ULID: the order of a listing is the order of time. */
export function restoreRecordKey(id: string): string {
  return `${restoresPrefix}${id}.json`;
}

/** The ULID of a note of a restore; null for anything else. */
export function parseRestoreRecordKey(key: string): string | null {
  return restoreRecordPattern.exec(key)?.[1] ?? null;
}

/**
 * Checks the name of a node's folder: one path segment of letters, digits, `.`, `_` and `-` that
 * does not begin with a dot. Throws "usage" otherwise.
 */
export function checkNodeName(name: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(name)) {
    throw new ScbError(
      "usage",
      `the node name ${JSON.stringify(name)} cannot be a folder: use 1 to 128 letters, digits, ".", "_" or "-", not beginning with "."`,
    );
  }
  return name;
}
