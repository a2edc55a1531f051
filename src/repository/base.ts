import { decodeTime } from "ulid";
import * as z from "zod";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import type { AlsoRestore } from "./also-restore.ts";
import { latestKey, originKey, parseVersionKey, versionKey, versionsPrefix } from "./layout.ts";
import { type Pointer, readPointer } from "./pointer.ts";
import { RecordFormat } from "./record.ts";
import { isSingleWriterVersion, metadataOf, readVersionMetadata } from "./version-metadata.ts";

/** The version that is current according to a base. */
export interface HeldVersion {
  readonly sequence: number;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** By the writer's clock, milliseconds since 1970. */
  readonly committedAt: number;
  /**
   * The earlier of that and the store's clock, so that a writer whose clock is ahead doesn't make a
   * version look newer.
   */
  readonly savedAt: number;
  readonly channelPointsSha256: string | null;
  /** How many of its channels are bare (see `BackupContents`); null if unknown. */
  readonly bareChannels: number | null;
  /** The older versions that a restore also needs. */
  readonly alsoRestore: readonly AlsoRestore[];
}

/** What a swap replaces. Read from the store before the node's state is. */
export type Base =
  /** The pointer and its etag, verbatim. */
  | {
      readonly kind: "pointer";
      readonly pointer: Pointer;
      readonly etag: string;
      readonly held: HeldVersion;
    }
  /**
   * A folder without a pointer (an append-only store, or `--single-writer`): the newest version is
   * current.
   */
  | { readonly kind: "newest"; readonly held: HeldVersion }
  /**
   * Nothing was ever committed here. `leftoverSizeBytes` is the size of the largest version left by a
   * first swap that was cut short or is still under way; 0 if there is none.
   */
  | { readonly kind: "none"; readonly held: null; readonly leftoverSizeBytes: number };

/** An empty folder. */
export const emptyBase: Base = { kind: "none", held: null, leftoverSizeBytes: 0 };

/** `storedAt` is when the pointer was written by the store's clock, if known. */
export function pointerBase(pointer: Pointer, etag: string, storedAt = Infinity): Base {
  const committedAt = Date.parse(pointer.committedAt);
  const held: HeldVersion = {
    sequence: pointer.sequence,
    key: pointer.version.key,
    sizeBytes: pointer.version.size,
    sha256: pointer.version.sha256,
    committedAt,
    savedAt: Math.min(committedAt, storedAt),
    channelPointsSha256: pointer.channelPointsSha256,
    bareChannels: pointer.bareChannels ?? null,
    alsoRestore: pointer.alsoRestore ?? [],
  };
  return { kind: "pointer", pointer, etag, held };
}

/** Whether two bases are the same state of the store. */
export function isSameBase(a: Base, b: Base): boolean {
  if (a.kind === "pointer" && b.kind === "pointer") return a.etag === b.etag;
  return a.kind === b.kind && a.held?.key === b.held?.key;
}

/**
 * Reads the base strongly. Throws "pointer-lost" if versions exist that a pointer must once have named,
 * "pointer-damaged" if the pointer can't be read, and what the store throws.
 */
export async function readBase(store: ObjectStore, options?: RequestOptions): Promise<Base> {
  const base = await readPointerBase(store, options);
  if (base !== null) return base;
  let leftoverSizeBytes = 0;
  let evidence: string | null = null;
  for await (const listed of store.list(versionsPrefix, options)) {
    const name = parseVersionKey(listed.key);
    if (name === null) continue;
    const metadata = await metadataOf(store, name.key, options);
    if (isSingleWriterVersion(metadata)) {
      throw new ScbError(
        "usage",
        `${store.location} was written with --single-writer and has no pointer: run with --single-writer, or choose another --node`,
      );
    }
    // A sequence above 1, or a version that isn't a first swap's, proves that there was a pointer.
    if (name.sequence > 1 || readVersionMetadata(metadata)?.operation !== name.operation) {
      evidence = listed.key;
      break;
    }
    leftoverSizeBytes = Math.max(leftoverSizeBytes, listed.sizeBytes);
  }
  // The record of the first commit survives if someone deletes the versions and the pointer together.
  if (evidence === null && (await store.head(originKey, options)) !== null) evidence = originKey;
  if (evidence !== null) {
    // The first swap may have been under way when the pointer was read.
    const late = await readPointerBase(store, options);
    if (late !== null) return late;
    throw pointerLost(store, evidence);
  }
  return { kind: "none", held: null, leftoverSizeBytes };
}

/**
 * Reads the base again after it was `none`. The versions found then need no second look; only a first
 * commit since then matters, or one that has come and gone. Throws as `readBase`.
 */
export async function readBaseSinceNone(
  store: ObjectStore,
  none: Base,
  options?: RequestOptions,
): Promise<Base> {
  const base = await readPointerBase(store, options);
  if (base !== null) return base;
  let evidence = (await store.head(originKey, options)) === null ? null : originKey;
  const startAfter = versionKey(2, "");
  for await (const { key } of store.list(versionsPrefix, { ...options, startAfter })) {
    if (parseVersionKey(key) === null) continue;
    evidence = key;
    break;
  }
  if (evidence === null) return none;
  // The pointer may have appeared meanwhile.
  const late = await readPointerBase(store, options);
  if (late !== null) return late;
  throw pointerLost(store, evidence);
}

/** Reads the base of an append-only folder. Throws "usage" if the folder has a pointer. */
export async function readSingleWriterBase(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<Base> {
  if ((await store.head(latestKey, options)) !== null) {
    const remedy =
      store.conditions === "none"
        ? "it is a copy from another store, and this store is append-only: leave the copy alone, and choose another path or --node"
        : "run without --single-writer, or choose another --node";
    throw new ScbError(
      "usage",
      `${store.location} has a pointer, which this run would not update: ${remedy}`,
    );
  }
  const held = await newestVersion(store, options);
  return held === null ? emptyBase : { kind: "newest", held };
}

/**
 * The copy of a folder has the times of the copying, so only the id tells when its newest version was
 * made.
 */
function timesOf(
  operation: string,
  storedAt: number,
): Pick<HeldVersion, "committedAt" | "savedAt"> {
  const committedAt = decodeTime(operation);
  return { committedAt, savedAt: Math.min(committedAt, storedAt) };
}

/** The newest version of a folder without a pointer; null if there is none. */
export async function newestVersion(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<HeldVersion | null> {
  let newest: HeldVersion | null = null;
  for await (const listed of store.list(versionsPrefix, options)) {
    const name = parseVersionKey(listed.key);
    if (name === null) continue;
    newest = {
      sequence: name.sequence,
      key: name.key,
      sizeBytes: listed.sizeBytes,
      sha256: "",
      ...timesOf(name.operation, listed.modifiedAt),
      channelPointsSha256: null,
      bareChannels: null,
      alsoRestore: [],
    };
  }
  if (newest === null) return null;
  const metadata = readVersionMetadata(await metadataOf(store, newest.key, options));
  return {
    ...newest,
    sha256: metadata?.sha256 ?? "",
    channelPointsSha256: metadata?.channelPointsSha256 ?? null,
    bareChannels: metadata?.bareChannels ?? null,
    alsoRestore: metadata?.alsoRestore ?? [],
  };
}

const originFormat = new RecordFormat({
  name: "the record of the first commit",
  schema: z.looseObject({ schema: z.literal(1), firstCommitSeenAt: z.iso.datetime() }),
  compact: true,
});

/** The content of `origin.json`. `now`: milliseconds since 1970. */
export function originMark(now: number): Uint8Array {
  return originFormat.encode({ schema: 1, firstCommitSeenAt: new Date(now).toISOString() });
}

/** The error for a folder whose pointer is gone. */
export function pointerLost(store: ObjectStore, evidence: string): ScbError {
  return new ScbError(
    "pointer-lost",
    `the pointer ${store.location}/${latestKey} is gone, but ${evidence} shows that there was one; nothing was changed: find out who deleted it, then run scb-mirror repair, which shows what it must be and can put it back`,
  );
}

/**
 * Reads the pointer as a base; null if there is none. Throws "pointer-damaged" and what the store throws.
 */
export async function readPointerBase(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<Base | null> {
  const reading = await readPointer(store, options);
  if (reading.kind === "damaged") throw reading.error;
  if (reading.kind === "absent") return null;
  return pointerBase(reading.pointer, reading.etag, reading.storedAt);
}
