import { emptyMultiSizeBytes, unpackMulti } from "../../chanbackup/packed-multi.ts";
import type { Single } from "../../chanbackup/single.ts";
import type { HeldVersion } from "../../repository/base.ts";
import { readCurrent } from "../../repository/history.ts";
import { unexplainedSequence } from "../../repository/unexplained.ts";
import { explainWrongKey, nodePubkeyOf } from "../../repository/wrong-key.ts";
import { sha256Hex } from "../../runtime/digest.ts";
import { hasCode, ScbError } from "../../runtime/error.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { formatOutPoint } from "../../wire/out-point.ts";
import { type DrillOptions, denied, nodeTrouble, unreached } from "./drill-options.ts";
import type { DrillProblem, DrillReport } from "./drill-report.ts";

/** The current version, whole. */
export interface Fetched {
  readonly packed: Uint8Array;
  readonly hash: boolean | null;
  /** What `unexplainedSequence` found. */
  readonly ahead: number | null;
  readonly version: NonNullable<DrillReport["version"]>;
}

/** Reads the current version whole, as a restore would. Null, and a problem, where that fails. */
export async function fetchCurrent(
  { store, clock, signal }: DrillOptions,
  problems: DrillProblem[],
): Promise<Fetched | null> {
  try {
    const current = await readCurrent(store, { signal });
    const { held } = current;
    if (held === null) {
      problems.push({
        code: "no-backup",
        message: `there is no backup in ${store.location} yet: start scb-mirror run`,
      });
      return null;
    }
    const whole = await readWhole(store, held, clock.now(), problems, signal);
    return whole && { ...whole, ahead: await unexplainedSequence(store, current, { signal }) };
  } catch (error) {
    const { code, message } = ScbError.from(error);
    if (code === "pointer-lost" || code === "pointer-damaged") problems.push({ code, message });
    else if (hasCode(error, ...unreached)) problems.push({ code: "store-unreached", message });
    else if (hasCode(error, ...denied)) problems.push({ code: "store-denied", message });
    else throw error;
    return null;
  }
}

async function readWhole(
  store: ObjectStore,
  held: HeldVersion,
  now: number,
  problems: DrillProblem[],
  signal: AbortSignal | undefined,
): Promise<Omit<Fetched, "ahead"> | null> {
  const where = `${store.location}/${held.key}`;
  const stored = await store.get(held.key, { signal });
  if (stored === null) {
    problems.push({
      code: "version-missing",
      message: `${where}, which is named as current, is gone: look for another with scb-mirror list`,
    });
    return null;
  }
  const sha256 = sha256Hex(stored.bytes);
  // Empty where it was never recorded.
  const isRecorded = held.sha256 !== "";
  if (stored.bytes.length !== held.sizeBytes || (isRecorded && sha256 !== held.sha256)) {
    problems.push({
      code: "version-damaged",
      message: `${where} holds ${stored.bytes.length} bytes that are not the ones that were saved (${held.sizeBytes} bytes): do not restore from it; scb-mirror list shows others`,
    });
    return null;
  }
  return {
    packed: stored.bytes,
    hash: isRecorded ? true : null,
    version: {
      key: held.key,
      sequence: held.sequence,
      sha256,
      sizeBytes: held.sizeBytes,
      committedAt: new Date(held.committedAt).toISOString(),
      ageSeconds: Math.max(0, Math.floor((now - held.savedAt) / 1000)),
    },
  };
}

export interface Opened {
  /** What is in it; null where nobody opened it. */
  readonly points: readonly string[] | null;
  readonly singles: readonly Single[] | null;
  readonly key: boolean | null;
  readonly lnd: boolean | null;
}

/** Has the backup opened by all that were given for it. What does not open it is a problem. */
export async function openBackup(
  options: DrillOptions,
  packed: Uint8Array,
  problems: DrillProblem[],
): Promise<Opened> {
  const singles = await openByKey(options, packed, problems);
  const byNode = await openByNode(options, packed, problems);
  const points = singles?.map((single) => formatOutPoint(single.fundingOutpoint)) ?? byNode;
  const { encrypter, witness, nodeFailure } = options;
  if (encrypter === undefined && witness === undefined && nodeFailure === undefined) {
    problems.push({
      code: "not-opened",
      message: `${packed.length === emptyMultiSizeBytes ? "the backup is empty by its size, and " : ""}nothing was given that could open it: give --key-file, or --from lnd, to know that it can be restored`,
    });
  }
  return {
    points,
    singles,
    key: encrypter === undefined ? null : singles !== null,
    lnd: witness === undefined ? null : byNode !== null,
  };
}

async function openByKey(
  { encrypter, identityPubkey = null, store, node, signal }: DrillOptions,
  packed: Uint8Array,
  problems: DrillProblem[],
): Promise<readonly Single[] | null> {
  if (encrypter === undefined) return null;
  try {
    return unpackMulti(packed, encrypter).staticBackups;
  } catch (error) {
    if (!hasCode(error, "decrypt", "decode")) throw error;
    const nodePubkey = await nodePubkeyOf(store, node, { signal });
    const { message } = ScbError.from(explainWrongKey(error, { identityPubkey }, nodePubkey));
    problems.push({ code: "wrong-key", message: `your key does not open the backup: ${message}` });
    return null;
  }
}

async function openByNode(
  { witness, signal }: DrillOptions,
  packed: Uint8Array,
  problems: DrillProblem[],
): Promise<readonly string[] | null> {
  if (witness === undefined) return null;
  try {
    return await witness.channelPointsOf(packed, signal);
  } catch (error) {
    const { message } = ScbError.from(error);
    if (hasCode(error, "decrypt", "decode")) {
      problems.push({
        code: "wrong-node",
        message: `the node cannot open the backup, so it would restore nothing: ${message}`,
      });
      return null;
    }
    if (!hasCode(error, ...nodeTrouble)) throw error;
    problems.push({
      code: "not-compared",
      message: `the node did not open the backup: ${message}`,
    });
    return null;
  }
}
