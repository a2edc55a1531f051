import type { NodeWitness } from "../chanbackup/snapshot.ts";
import type { HeldVersion } from "../repository/base.ts";
import { readCurrent } from "../repository/history.ts";
import { parseVersionKey } from "../repository/layout.ts";
import { listQuarantine, readQuarantineReason } from "../repository/quarantine-record.ts";
import { type LastRestore, readLastRestore } from "../repository/restore-record.ts";
import { unexplainedSequence } from "../repository/unexplained.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import { type LastDrill, readLastDrill } from "./drill/drill-record.ts";

export const statusProblemCodes = [
  "no-backup",
  "pointer-lost",
  "pointer-damaged",
  "pointer-behind", // an older one was put back: newer versions are there
  "version-missing",
  "version-damaged",
  "stale",
  "refused",
  "not-covered",
  "drill-failed",
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
  /** Whether it holds every channel that the node has open now; null where that is not known. */
  readonly covered: boolean | null;
  /** The last drill whose result the store holds; null for none. */
  readonly lastDrill: (LastDrill & { readonly ageSeconds: number }) | null;
  /** The newest restore from this folder: whoever looks after the node has to know of it. */
  readonly lastRestore: LastRestore | null;
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
  /** The running node, where there is one to ask: it opens the backup and names its channels. */
  readonly witness?: NodeWitness | undefined;
}

/** Whether this node is safe, by what the store holds. Throws what the store throws. */
export async function checkStatus(options: StatusOptions): Promise<StatusReport> {
  const { store, node, now, maxAgeMs, witness, signal } = options;
  const problems: StatusProblem[] = [];
  const drilled = await readLastDrill(store, { signal });
  const drilledMs = drilled === null ? 0 : Math.max(0, now - Date.parse(drilled.at));
  const lastDrill =
    drilled === null ? null : { ...drilled, ageSeconds: Math.floor(drilledMs / 1000) };
  const lastRestore = await readLastRestore(store, { signal });
  const unhealthy = (code: StatusProblem["code"], message: string): StatusReport => ({
    node,
    healthy: false,
    problems: [{ code, message }],
    latest: null,
    ageSeconds: null,
    covered: null,
    lastDrill,
    lastRestore,
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

  const ahead = await unexplainedSequence(store, current, { signal });
  if (ahead !== null) {
    problems.push({
      code: "pointer-behind",
      message: `the pointer names sequence ${held.sequence}, but there are versions up to sequence ${ahead}: an older pointer was put back, and what was saved since is not current: look at scb-mirror verify and scb-mirror repair`,
    });
  }
  const { packed, damage } = await readBack(store, held, { signal });
  if (damage !== null) problems.push(damage);
  const ageMs = Math.max(0, now - held.savedAt);
  if (ageMs > maxAgeMs) {
    problems.push({
      code: "stale",
      message: `the newest backup is ${hours(ageMs)} old, and a running mirror saves one at least every ${hours(maxAgeMs)}: look whether scb-mirror run is up`,
    });
  }
  const refusal = await newestRefusal(store, held, { signal });
  if (refusal !== null) problems.push(refusal);

  if (drilled?.ok === false) {
    const found =
      drilled.verdict === "unknown"
        ? "could not find out whether a restore would work"
        : "found that a restore would not work, or bring back too little";
    problems.push({
      code: "drill-failed",
      message: `the last drill, ${hours(drilledMs)} ago, ${found} (${drilled.key} says why): mend that, and run scb-mirror drill again`,
    });
  }

  let covered: boolean | null = null;
  if (witness !== undefined && packed !== null) {
    const gap = await checkCover(witness, packed, signal);
    if (gap !== null) problems.push(gap);
    covered = gap === null;
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
    lastDrill,
    lastRestore,
  };
}

/** Reads the version back, whole, and compares size and hash. `packed` is null where it is not right. */
async function readBack(
  store: ObjectStore,
  held: HeldVersion,
  options: RequestOptions,
): Promise<
  | { readonly packed: Uint8Array; readonly damage: null }
  | { readonly packed: null; readonly damage: StatusProblem }
> {
  const where = `${store.location}/${held.key}`;
  const stored = await store.get(held.key, options);
  if (stored === null) {
    const message = `${where}, which is named as current, is gone: restore it, or look for another with scb-mirror list`;
    return { packed: null, damage: { code: "version-missing", message } };
  }
  const { bytes } = stored;
  if (bytes.length === held.sizeBytes && sha256Hex(bytes) === held.sha256) {
    return { packed: bytes, damage: null };
  }
  const message = `${where} holds ${bytes.length} bytes that are not the ones that were saved (${held.sizeBytes} bytes, sha256 ${held.sha256}): do not restore from it`;
  return { packed: null, damage: { code: "version-damaged", message } };
}

/** Lets the node open the backup, and compares what is in it with the channels that it has now. */
async function checkCover(
  witness: NodeWitness,
  packed: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<StatusProblem | null> {
  const open = await witness.openChannelPoints(signal);
  let held: ReadonlySet<string>;
  try {
    held = new Set(await witness.channelPointsOf(packed, signal));
  } catch (error) {
    if (!hasCode(error, "decrypt", "decode")) throw error;
    return {
      code: "not-covered",
      message: `the node cannot open the backup, so it would restore nothing: ${error.message}`,
    };
  }
  const missing = open.filter((point) => !held.has(point));
  if (missing.length === 0) return null;
  return {
    code: "not-covered",
    message: `${missing.length} of the node's ${open.length} channels are not in the backup (${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", …" : ""}): the mirror is behind, or stopped`,
  };
}

/**
 * The newest candidate that a guard held back, if that stands: it was to replace the current version,
 * or it came after that was begun. Their ids say which came first: a store's times are too coarse.
 */
async function newestRefusal(
  store: ObjectStore,
  held: HeldVersion,
  options: RequestOptions,
): Promise<StatusProblem | null> {
  const newest = (await listQuarantine(store, options)).at(-1);
  if (newest === undefined) return null;
  const why = await readQuarantineReason(store, newest.keys.why, options);
  const begun = parseVersionKey(held.key)?.operation ?? "";
  if (why?.base?.key !== held.key && newest.operation < begun) return null;
  // It was accepted since, maybe on a machine whose clock is behind.
  if (why?.sha256 === held.sha256) return null;
  const reason = why?.message ?? "its reason cannot be read";
  return {
    code: "refused",
    message: `a newer backup was held back and is kept as ${newest.keys.backup}: ${reason}`,
  };
}

function hours(ms: number): string {
  const count = ms / 3_600_000;
  return count < 1 ? `${Math.max(1, Math.round(count * 60))} min` : `${Math.round(count)} h`;
}
