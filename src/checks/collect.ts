import { decodeTime } from "ulid";
import type { InspectBackup } from "../chanbackup/backup-contents.ts";
import type { NodeSurvey, Told } from "../chanbackup/node-survey.ts";
import type { SnapshotSource } from "../chanbackup/snapshot.ts";
import { joinedAlso } from "../repository/also-restore.ts";
import type { Base } from "../repository/base.ts";
import { readLastDrill } from "../repository/drill-record.ts";
import { listVersions, readCurrent, savedAtOf } from "../repository/history.ts";
import { quarantineKeys, versionKey, versionsPrefix } from "../repository/layout.ts";
import { readAttested } from "../repository/mirror-record.ts";
import {
  listQuarantine,
  type QuarantineEntry,
  readQuarantineReason,
} from "../repository/quarantine-record.ts";
import { readLastRestore } from "../repository/restore-record.ts";
import { isInFuture } from "../repository/times.ts";
import type { ExpectedVersion } from "../repository/version.ts";
import { isNodePubkey } from "../repository/wrong-key.ts";
import { sha256Hex } from "../runtime/digest.ts";
import { hasCode } from "../runtime/error.ts";
import type { ObjectStore, RequestOptions } from "../store/object-store.ts";
import {
  type Asked,
  type AttestedSeen,
  type BeyondSeen,
  type CurrentSeen,
  type FileEvidence,
  type FolderEvidence,
  type NodeEvidence,
  nodeEvidenceOf,
  type RefusalSeen,
  type VersionSeen,
} from "./evidence.ts";
import { isInFlight } from "./freshness.ts";
import { type ReadVersion, type SeeOptions, seeVersion } from "./see-version.ts";
import { nodeTrouble, storeTrouble, told } from "./told.ts";

/**
 * How many of the newest refusals are read, and separately how many of those that claim to be from the
 * future, so that these can't hide the others.
 */
const refusalsRead = 16;

export interface CollectOptions extends SeeOptions {
  /** The name of that folder. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How a version is read back. Default: `seeVersion`. */
  readonly see?: ((expected: ExpectedVersion) => Promise<ReadVersion>) | undefined;
}

/** What was read of a folder, with the bytes that a restore would use. */
export interface LookedAt {
  readonly folder: FolderEvidence;
  /** The current version's bytes, if it was there at all. */
  readonly packed: Uint8Array | null;
}

/**
 * Reads a node's folder, and has the key and the node open what a restore would use. Changes nothing. If a
 * store or a node doesn't answer, that is evidence too: throws only "aborted" and defects.
 */
export async function collectFolder(options: CollectOptions): Promise<LookedAt> {
  const { store, node, now, signal } = options;
  const reading = { signal };
  const current = await told(storeTrouble, () => readCurrentSeen(store, reading));
  if (!current.known) return { folder: unreadFolder(options, current), packed: null };
  const seen = current.value;
  const held = seen.kind === "held" ? seen.held : null;
  const pubkey = isNodePubkey(node)
    ? node
    : seen.kind === "held"
      ? seen.pointer?.node.pubkey
      : null;
  const see =
    options.see ?? ((expected: ExpectedVersion) => seeVersion(options, expected, pubkey ?? null));
  const read = held && (await see(held));
  // A restore also uses what the version itself names.
  const alsoRestore = joinedAlso(held?.alsoRestore ?? [], read?.alsoRestore ?? []);
  const also: VersionSeen[] = [];
  for (const needed of alsoRestore) also.push((await see(needed)).version);
  const folder: FolderEvidence = {
    store: store.location,
    node,
    current:
      seen.kind === "held"
        ? { known: true, value: { ...seen, held: { ...seen.held, alsoRestore } } }
        : current,
    version: read?.version ?? null,
    also,
    beyond: await told(storeTrouble, () => listBeyond(store, held?.sequence ?? 0, reading)),
    refusals: await told(storeTrouble, () => readRefusals(store, now, reading)),
    lastDrill: await told([...storeTrouble, "decode"], () => readLastDrill(store, now, reading)),
    lastRestore: await told(storeTrouble, () => readLastRestore(store, reading)),
    attested: await told(storeTrouble, () => readAttestedSeen(options, held?.sequence ?? 0)),
  };
  return { folder, packed: read?.packed ?? null };
}

/** A store that doesn't show its pointer isn't asked for the rest: each request would run into its timeout. */
export function unreadFolder(
  { store, node }: Pick<CollectOptions, "store" | "node">,
  unread: Told<never>,
): FolderEvidence {
  const nothing = { version: null, also: [] };
  const rest = {
    beyond: unread,
    refusals: unread,
    lastDrill: unread,
    lastRestore: unread,
    attested: unread,
  };
  return { store: store.location, node, current: unread, ...nothing, ...rest };
}

/** Asks a node for its channels and everything it knows about them; null if it can't tell that much. */
export async function collectSurvey(
  options: Pick<CollectOptions, "witness" | "nodeFailure" | "signal">,
  pubkey: string | null,
): Promise<{ readonly node: Asked<NodeEvidence>; readonly survey: NodeSurvey | null }> {
  const { witness, nodeFailure, signal } = options;
  const ask = witness?.survey?.bind(witness);
  if (nodeFailure !== undefined || ask === undefined) {
    return { node: await collectNode(options, pubkey), survey: null };
  }
  const survey = await told(nodeTrouble, () => ask(signal));
  if (!survey.known) return { node: { asked: true, ...survey }, survey: null };
  const value = nodeEvidenceOf(survey.value, pubkey);
  return { node: { asked: true, known: true, value }, survey: survey.value };
}

/** Asks a node for its channels. */
export async function collectNode(
  { witness, nodeFailure, signal }: Pick<CollectOptions, "witness" | "nodeFailure" | "signal">,
  pubkey: string | null,
): Promise<Asked<NodeEvidence>> {
  if (nodeFailure !== undefined) return { asked: true, known: false, error: nodeFailure };
  if (witness === undefined) return { asked: false };
  const answer = await told(nodeTrouble, async (): Promise<NodeEvidence> => {
    // In this order, because an open channel can start closing, and a closing one can become closed.
    const open = await witness.openChannelPoints(signal);
    const limbo = await witness.limboChannels(signal);
    const restored = (await witness.restoredChannelPoints?.(signal)) ?? [];
    const closed = await told(["node-denied"], () => witness.closedChannelPoints(signal));
    return { open, restored, limbo, closed, pubkey };
  });
  return { asked: true, ...answer };
}

/** A watched `channel.backup`, and what decrypts it. */
export interface WatchedFile {
  readonly source: SnapshotSource;
  readonly inspect?: InspectBackup | undefined;
}

/** Reads the watched file as it is now. */
export async function collectFile(
  file: WatchedFile | null,
  signal?: AbortSignal,
): Promise<Asked<FileEvidence>> {
  if (file === null) return { asked: false };
  const { source, inspect } = file;
  const answer = await told(["io", "usage", "decode", "decrypt"], async () => {
    const { packed } = await source.snapshot("start", signal);
    const channelPoints = (await inspect?.(packed, signal))?.channelPoints ?? null;
    return { path: source.description, sha256: sha256Hex(packed), channelPoints };
  });
  return { asked: true, ...answer };
}

async function readCurrentSeen(store: ObjectStore, options: RequestOptions): Promise<CurrentSeen> {
  let base: Base;
  try {
    base = await readCurrent(store, options);
  } catch (error) {
    if (hasCode(error, "pointer-lost")) return { kind: "lost", error };
    if (hasCode(error, "pointer-damaged")) return { kind: "damaged", error };
    throw error;
  }
  if (base.held === null) return { kind: "none" };
  const pointer = base.kind === "pointer" ? base.pointer : null;
  return { kind: "held", held: base.held, pointer };
}

/** Every version beyond the pointer. Costs one request if there is none. */
async function listBeyond(
  store: ObjectStore,
  sequence: number,
  options: RequestOptions,
): Promise<BeyondSeen[]> {
  const startAfter = versionKey(sequence + 1, "");
  const listed = await listVersions(store, versionsPrefix, { ...options, startAfter });
  if (listed.length === 0) return [];
  // Mirrors may have committed more since the pointer was read.
  const now = await told(["pointer-lost", "pointer-damaged"], () => readCurrent(store, options));
  const reached = now.known ? (now.value.held?.sequence ?? 0) : sequence;
  return listed
    .map((version) => ({
      key: version.key,
      sequence: version.sequence,
      steps: version.sequence - reached,
      savedAt: savedAtOf(version),
    }))
    .filter(({ steps }) => steps > 0);
}

async function readAttestedSeen(
  { store, now, signal }: CollectOptions,
  sequence: number,
): Promise<AttestedSeen> {
  const attested = await readAttested(store, now, { signal });
  if (attested.kind !== "last") return attested;
  if (attested.last.version.sequence <= sequence) return { ...attested, sequenceSince: null };
  // A mirror may have committed more since the pointer was read.
  const again = await told(["pointer-lost", "pointer-damaged"], () =>
    readCurrent(store, { signal }),
  );
  return { ...attested, sequenceSince: again.known ? (again.value.held?.sequence ?? 0) : null };
}

async function readRefusals(
  store: ObjectStore,
  now: number,
  options: RequestOptions,
): Promise<RefusalSeen[]> {
  const listed = (await listQuarantine(store, options)).filter(
    ({ isExplained, operation, storedAt }) =>
      isExplained || !isInFlight(Math.min(decodeTime(operation), storedAt), now),
  );
  const isWrong = ({ operation }: QuarantineEntry) => isInFuture(decodeTime(operation), now);
  const newest = [
    ...listed.filter((entry) => !isWrong(entry)).slice(-refusalsRead),
    ...listed.filter(isWrong).slice(-refusalsRead),
  ].reverse();
  const refusals: RefusalSeen[] = [];
  for (const { operation, keys } of newest) {
    const reason = await readQuarantineReason(store, keys.why, options);
    refusals.push({ operation, key: quarantineKeys(operation).backup, reason });
  }
  return refusals;
}
