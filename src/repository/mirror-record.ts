import { decodeTime } from "ulid";
import * as z from "zod";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { maxSequence, mirrorsPrefix } from "./layout.ts";
import { operationIdPattern } from "./operation-id.ts";
import { lineText, RecordFormat, sha256Text, versionKeyText } from "./record.ts";
import { isInFuture } from "./times.ts";

/** Mirrors that attest less often than this aren't monitored for silence. */
const longestIntervalMs = 24 * 3_600_000;

const schemaVersion = 1;
const format = new RecordFormat({
  name: "the attestation of a mirror",
  schema: z.looseObject({
    schema: z.literal(schemaVersion),
    state: z.enum(["running", "stopped"]),
    at: z.iso.datetime(),
    nodeSeenAt: z.iso.datetime(),
    version: z.looseObject({
      key: versionKeyText,
      sequence: z.int().min(1).max(maxSequence),
      sha256: sha256Text,
    }),
    intervalMs: z.number().min(1).max(longestIntervalMs),
    writer: lineText(512),
  }),
  compact: true,
});

const recordPattern = new RegExp(`^mirrors/(${operationIdPattern})\\.json$`);

/**
 * A mirror's statement about itself: that it hears from the node, and that the store holds the node's
 * state.
 */
export interface Attestation {
  /** "stopped" means that it was told to stop. */
  readonly state: "running" | "stopped";
  /** ISO 8601: when it was written. */
  readonly at: string;
  /** ISO 8601: when the mirror last heard from the node. */
  readonly nodeSeenAt: string;
  /** The version that it has read back. */
  readonly version: { readonly key: string; readonly sequence: number; readonly sha256: string };
  /** The time until the next attestation. */
  readonly intervalMs: number;
  /** Program, machine and process. */
  readonly writer: string;
}

/** The newest attestation. */
export interface LastAttestation extends Attestation {
  /** Relative to the node's folder. */
  readonly key: string;
  /** By the earlier of the mirror's clock and the store's, milliseconds since 1970. */
  readonly savedAt: number;
}

/** The key of a mirror's own record, which no other mirror writes. `id` is a ULID. */
export function attestationKey(id: string): string {
  return `${mirrorsPrefix}${id}.json`;
}

/**
 * Replaces the mirror's previous attestation. The key is its own, so no condition is needed. Throws what
 * the store throws.
 */
export async function attest(
  store: ObjectStore,
  id: string,
  attestation: Attestation,
  options?: RequestOptions,
): Promise<void> {
  const record = format.encode({ schema: schemaVersion, ...attestation });
  await store.put(attestationKey(id), record, { contentType: "application/json", ...options });
}

/** An attestation in a listing. */
export interface ListedAttestation {
  readonly key: string;
  /** By the store's clock, milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** The attestations in the store, newest first. */
export async function listAttestations(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<ListedAttestation[]> {
  const listed: ListedAttestation[] = [];
  for await (const { key, modifiedAt } of store.list(mirrorsPrefix, options)) {
    const id = recordPattern.exec(key)?.[1];
    if (id !== undefined && decodeTime(id) >= 0) listed.push({ key, modifiedAt });
  }
  return listed.sort((a, b) => b.modifiedAt - a.modifiedAt);
}

/** How many are read: the newest of several mirrors counts, and some may be unreadable or wrong. */
const mostRead = 4;

/** The combined result of all attestations. */
export type Attested =
  /** No mirror ever wrote one. */
  | { readonly kind: "none" }
  /** None is usable: they can't be read, or claim to be from the future. */
  | { readonly kind: "unclear"; readonly key: string; readonly why: string }
  | { readonly kind: "last"; readonly last: LastAttestation };

/**
 * Reads the newest attestation, whichever mirror wrote it. `now`: milliseconds since 1970. Throws what
 * the store throws.
 */
export async function readAttested(
  store: ObjectStore,
  now: number,
  options?: RequestOptions,
): Promise<Attested> {
  const listed = await listAttestations(store, options);
  let unclear: Extract<Attested, { kind: "unclear" }> | null = null;
  let last: LastAttestation | null = null;
  for (const { key, modifiedAt } of listed.slice(0, mostRead)) {
    const record = await format.readIfSound(store, key, options);
    const savedAt = record === null ? modifiedAt : Math.min(Date.parse(record.at), modifiedAt);
    if (record === null || isInFuture(savedAt, now)) {
      const why = record === null ? "can't be read" : "claims to be from the future";
      unclear ??= { kind: "unclear", key, why };
    } else if (last === null || savedAt > last.savedAt) {
      const { state, at, nodeSeenAt, version, intervalMs, writer } = record;
      const { sequence, sha256 } = version;
      const held = { key: version.key, sequence, sha256 };
      last = { key, savedAt, state, at, nodeSeenAt, version: held, intervalMs, writer };
    }
  }
  if (last !== null) return { kind: "last", last };
  return unclear ?? { kind: "none" };
}
