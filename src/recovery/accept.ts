import type { BackupContents } from "../chanbackup/backup-contents.ts";
import { packedMultiFlaw } from "../chanbackup/packed-multi.ts";
import type { Candidate } from "../mirror/candidate.ts";
import type { Commit } from "../mirror/events.ts";
import { HeldBackups, type HeldBackupsOptions } from "../mirror/held-backups.ts";
import type { StateSwapper } from "../mirror/state-swapper.ts";
import type { Base } from "../repository/base.ts";
import { parseQuarantineKey, quarantineKeys } from "../repository/layout.ts";
import {
  listQuarantine,
  type QuarantineReason,
  readQuarantineReason,
} from "../repository/quarantine-record.ts";
import { readVersion } from "../repository/version.ts";
import { storeBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";

/** A quarantined backup that may become the current version, and what that means. */
export interface Acceptance {
  /** Of the quarantined backup. */
  readonly key: string;
  readonly reason: QuarantineReason;
  readonly candidate: Candidate;
  /** What it replaces. */
  readonly base: Base;
  /** What the current version has and this one lacks; null if nothing was there to decrypt both with. */
  readonly loss: {
    readonly gone: readonly string[];
    /** Null if only their number is known, from the record of the refusal. */
    readonly poorer: readonly string[] | null;
  } | null;
}

export interface AcceptOptions extends HeldBackupsOptions {
  /** On the same folder as `store`. */
  readonly swapper: StateSwapper;
  /** A key in `quarantine/`, or the operation in it; undefined for the newest refusal. */
  readonly which: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Reads a quarantined backup and the version that it would replace. Changes nothing. Throws "not-found",
 * "usage", "refused" if the newest refusal was against a version that is no longer current,
 * "version-damaged" if the bytes aren't the refused ones, and "decrypt" or "decode" if the key or the node
 * can't open it.
 */
export async function readAcceptance(options: AcceptOptions): Promise<Acceptance> {
  const { store, swapper, which, inspect, witness, signal } = options;
  const base = await swapper.base(signal);
  const keys = which === undefined ? await newestKeys(options) : namedKeys(which);
  const reason = await readQuarantineReason(store, keys.why, { signal });
  const expected = { key: keys.backup, sha256: reason?.sha256 };
  const stored = await readVersion(store, expected, { signal });
  const where = `${store.location}/${keys.backup}`;
  if (stored.kind === "missing") throw new ScbError("not-found", `${where} doesn't exist`);
  if (reason === null) {
    throw new ScbError(
      "version-damaged",
      `${store.location}/${keys.why} is missing or unreadable, so it isn't known whether ${keys.backup} is intact; nothing was changed`,
    );
  }
  const { bytes } = stored;
  if (stored.kind !== "whole") {
    throw new ScbError(
      "version-damaged",
      `${where} holds ${bytes.length || "other"} bytes that aren't the refused backup; nothing was changed`,
    );
  }
  const flaw = packedMultiFlaw(bytes);
  if (flaw !== null) {
    throw new ScbError(
      "refused",
      `${where} is not a channel backup (${flaw}), so it can't become the current version`,
    );
  }
  if (which === undefined && reason.base?.key !== base.held?.key) {
    throw new ScbError(
      "refused",
      `the newest refusal (${keys.backup}, ${reason.refusedAt}) was against ${reason.base?.key ?? "an empty folder"}, but ${base.held?.key ?? "nothing"} is current now; nothing was changed: check scb-mirror status; to accept it anyway, name it: scb-mirror accept ${keys.backup}`,
    );
  }
  const contents = (await inspect?.(bytes, signal)) ?? (await openedBy(witness, bytes, signal));
  // As recorded at the refusal: the mirror compares its next snapshot with these facts.
  const { sha256, channels, bareChannels, channelPointsSha256, verifiedBy } = reason;
  const facts = { sha256, channels, bareChannels, channelPointsSha256, verifiedBy };
  const candidate: Candidate = { packed: bytes, contents, limbo: null, ...facts };
  const loss = contents && (await lossOf(options, base, contents));
  return { key: keys.backup, reason, candidate, base, loss };
}

/**
 * Makes it the current version, by an ordinary swap against the base that was shown. Retries the store
 * until `signal` aborts. Throws "superseded" if the pointer has moved since, and what a swap throws.
 */
export async function accept(
  { base, candidate }: Acceptance,
  swapper: StateSwapper,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<Commit> {
  const operation = await swapper.begin(base, candidate, signal);
  try {
    return await retry(() => swapper.advance(operation, signal), {
      canPass: (error) => hasCode(error, "store-busy", "store-unknown"),
      backoff: storeBackoff,
      clock,
      random,
      signal,
    });
  } catch (error) {
    if (!hasCode(error, "superseded")) throw error;
    const message = `${error.message}; nothing was accepted: run scb-mirror accept again`;
    throw new ScbError("superseded", message, { cause: error });
  }
}

async function newestKeys({ store, signal }: AcceptOptions) {
  const newest = (await listQuarantine(store, { signal })).at(-1);
  if (newest !== undefined) return newest.keys;
  throw new ScbError("not-found", `no refused backup is kept in ${store.location}`);
}

function namedKeys(which: string): ReturnType<typeof quarantineKeys> {
  const operation =
    parseQuarantineKey(which)?.operation ??
    parseQuarantineKey(quarantineKeys(which).backup)?.operation;
  if (operation !== undefined) return quarantineKeys(operation);
  throw new ScbError(
    "usage",
    `${JSON.stringify(which)} isn't a quarantined backup: give its key, quarantine/….backup (scb-mirror status and the log name it)`,
  );
}

async function openedBy(
  witness: HeldBackupsOptions["witness"],
  packed: Uint8Array,
  signal: AbortSignal,
): Promise<BackupContents | null> {
  if (witness === null) return null;
  const channelPoints = await witness.channelPointsOf(packed, signal);
  return { channelPoints, bareChannelPoints: null };
}

async function lossOf(
  options: AcceptOptions,
  { held }: Base,
  { channelPoints, bareChannelPoints }: BackupContents,
): Promise<Acceptance["loss"]> {
  if (held === null) return null;
  const by = options.inspect === null ? "lnd" : "key";
  const before = await new HeldBackups(options).contentsOf(held, by, options.signal);
  if (before === null) return null;
  const now = new Set(channelPoints);
  const bareBefore = before.bareChannelPoints;
  return {
    gone: before.channelPoints.filter((point) => !now.has(point)),
    poorer:
      bareBefore &&
      (bareChannelPoints?.filter(
        (point) => before.channelPoints.includes(point) && !bareBefore.includes(point),
      ) ??
        null),
  };
}
