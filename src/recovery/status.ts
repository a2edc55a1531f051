import { decodeTime } from "ulid";
import * as z from "zod";
import { emptyMultiSizeBytes } from "../chanbackup/packed-multi.ts";
import type { HeldVersion } from "../mirror/base.ts";
import { channelPointsDigest } from "../mirror/candidate.ts";
import { quarantinePrefix } from "../mirror/layout.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { readCurrent } from "./history.ts";

export const statusProblemCodes = [
  "no-backup",
  "pointer-lost",
  "pointer-damaged",
  "version-missing",
  "version-damaged",
  "stale",
  "refused",
  "not-covered",
] as const;

export interface StatusProblem {
  readonly code: (typeof statusProblemCodes)[number];
  readonly message: string;
}

export interface StatusReport {
  readonly node: string;
  /** True only for what was read back from the store now, and compared. */
  readonly healthy: boolean;
  readonly problems: readonly StatusProblem[];
  readonly latest: {
    readonly key: string;
    readonly sequence: number;
    readonly sha256: string;
    readonly sizeBytes: number;
    /** ISO 8601. */
    readonly committedAt: string;
    readonly writer: string;
    /** How many channels it covers, where that was known when it was saved. */
    readonly channels: number | null;
  } | null;
  readonly ageSeconds: number | null;
  /** Whether it covers the node's channels of now; null where no node was asked. */
  readonly covered: boolean | null;
}

export interface StatusOptions extends RequestOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  /** The name of that folder. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A running mirror saves a version at least each refresh interval: an older one means it stopped. */
  readonly maxAgeMs: number;
  /** The node's channel points of now, sorted, where it was asked. */
  readonly liveChannelPoints?: readonly string[] | undefined;
}

/** Whether this node is safe, by what the store holds. Throws what the store throws. */
export async function checkStatus(options: StatusOptions): Promise<StatusReport> {
  const { store, node, now, maxAgeMs, liveChannelPoints, signal } = options;
  const problems: StatusProblem[] = [];
  const unhealthy = (code: StatusProblem["code"], message: string): StatusReport => ({
    node,
    healthy: false,
    problems: [{ code, message }],
    latest: null,
    ageSeconds: null,
    covered: null,
  });

  let current: Awaited<ReturnType<typeof readCurrent>>;
  try {
    current = await readCurrent(store, { signal });
  } catch (error) {
    if (hasCode(error, "pointer-lost")) return unhealthy("pointer-lost", error.message);
    if (hasCode(error, "pointer-damaged")) return unhealthy("pointer-damaged", error.message);
    throw error;
  }
  const { held } = current;
  if (held === null) {
    return unhealthy(
      "no-backup",
      `there is no backup in ${store.location} yet: start scb-mirror run`,
    );
  }

  const damage = await checkVersion(store, held, { signal });
  if (damage !== null) problems.push(damage);
  const ageMs = Math.max(0, now - held.committedAt);
  if (ageMs > maxAgeMs) {
    problems.push({
      code: "stale",
      message: `the newest backup is ${hours(ageMs)} old, and a running mirror saves one at least every ${hours(maxAgeMs)}: look whether scb-mirror run is up`,
    });
  }
  const refusal = await newestRefusal(store, held.committedAt, { signal });
  if (refusal !== null) problems.push(refusal);

  let covered: boolean | null = null;
  if (liveChannelPoints !== undefined) {
    covered = isCovered(held, liveChannelPoints);
    if (!covered) {
      problems.push({
        code: "not-covered",
        message: `the node has ${liveChannelPoints.length} channels now, and the backup was made of another set: the mirror is behind, or stopped`,
      });
    }
  }
  const pointer = current.kind === "pointer" ? current.pointer : null;
  return {
    node,
    healthy: problems.length === 0,
    problems,
    latest: {
      key: held.key,
      sequence: held.sequence,
      sha256: held.sha256,
      sizeBytes: held.sizeBytes,
      committedAt: new Date(held.committedAt).toISOString(),
      writer: pointer?.writer ?? "unknown (--single-writer)",
      channels: pointer?.channels ?? null,
    },
    ageSeconds: Math.floor(ageMs / 1000),
    covered,
  };
}

/** Reads the version back, whole, and compares size and hash. */
async function checkVersion(
  store: ObjectStore,
  held: HeldVersion,
  options: RequestOptions,
): Promise<StatusProblem | null> {
  const where = `${store.location}/${held.key}`;
  const stored = await store.get(held.key, options);
  if (stored === null) {
    return {
      code: "version-missing",
      message: `${where}, which is named as current, is gone: restore it, or look for another with scb-mirror list`,
    };
  }
  const isWhole = stored.bytes.length === held.sizeBytes && sha256Hex(stored.bytes) === held.sha256;
  if (isWhole) return null;
  return {
    code: "version-damaged",
    message: `${where} holds ${stored.bytes.length} bytes that are not the ones that were saved (${held.sizeBytes} bytes, sha256 ${held.sha256}): do not restore from it`,
  };
}

const whySchema = z.object({ message: z.string() });

/** A candidate that a guard held back after the current version was saved, if there is one. */
async function newestRefusal(
  store: ObjectStore,
  committedAt: number,
  options: RequestOptions,
): Promise<StatusProblem | null> {
  let newestWhy: string | null = null;
  for await (const { key } of store.list(quarantinePrefix, options)) {
    const operation = /^quarantine\/([0-9A-HJKMNP-TV-Z]{26})\.json$/.exec(key)?.[1];
    if (operation !== undefined && decodeTime(operation) > committedAt) newestWhy = key;
  }
  if (newestWhy === null) return null;
  const why = await store.get(newestWhy, options);
  return {
    code: "refused",
    message: `a newer backup was held back and is kept as ${newestWhy.replace(/\.json$/, ".backup")}: ${reasonIn(why?.bytes)}`,
  };
}

function reasonIn(bytes: Uint8Array | undefined): string {
  try {
    return whySchema.parse(JSON.parse(new TextDecoder().decode(bytes))).message;
  } catch (error) {
    return `its reason cannot be read (${ScbError.from(error).code})`;
  }
}

function isCovered(held: HeldVersion, liveChannelPoints: readonly string[]): boolean {
  if (liveChannelPoints.length === 0) return true;
  if (held.sizeBytes <= emptyMultiSizeBytes) return false;
  return held.channelPointsSha256 === channelPointsDigest(liveChannelPoints);
}

function hours(ms: number): string {
  const count = ms / 3_600_000;
  return count < 1 ? `${Math.max(1, Math.round(count * 60))} min` : `${Math.round(count)} h`;
}
