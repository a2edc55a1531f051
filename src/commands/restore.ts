import { hostname } from "node:os";
import { collectFolder } from "../checks/collect.ts";
import type { FolderEvidence } from "../checks/evidence.ts";
import { storeTrouble } from "../checks/told.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { coinTypeOf, type Network, networks } from "../keychain/network.ts";
import { alsoNeeded, fetchAlso } from "../recovery/restore/also-backups.ts";
import { checkBackupTarget, shellQuote } from "../recovery/restore/backup-file.ts";
import { changesSince } from "../recovery/restore/changes-since.ts";
import { damageCodes, type IntactBackup, newestIntact } from "../recovery/restore/intact-backup.ts";
import { newestClaim } from "../recovery/restore/newest.ts";
import { fetchBackup, type RestoredBackup } from "../repository/fetch-backup.ts";
import { currentOrNull } from "../repository/history.ts";
import { type RestoreRecord, recordRestore } from "../repository/restore-record.ts";
import { isInFuture } from "../repository/times.ts";
import { sequenceAt } from "../repository/version-at.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Action, ActionContext } from "./action.ts";
import { encrypterFor, openBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import type { Moment } from "./moment.ts";
import { type NodeStore, withNodeStore, withoutAbsentNode } from "./node-store.ts";
import { type DeliveryTarget, deliver } from "./restore-delivery.ts";
import { noteOnStdout, printReport, reportJson } from "./restore-report.ts";
import { formatAge } from "./terminal.ts";

/** Whoever restores would rather wait than give up: half a minute, at a store that is in trouble. */
const maxTries = 8;

interface RestoreOptions {
  readonly version?: string | undefined;
  readonly at?: Moment | undefined;
  readonly output: string;
  readonly force: boolean;
  readonly "to-lnd": boolean;
}

/** What the command line asks for. */
interface Request {
  /** Undefined where `at` says it. */
  readonly which: string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number | null;
  readonly to: DeliveryTarget;
}

export const restoreAction: Action<RestoreOptions> = async (given) => {
  const request = await readRequest(given);
  const needsNode = request.to.kind === "lnd" || given.flags["from"] !== undefined;
  const context = needsNode
    ? given
    : await withoutAbsentNode(given, ({ message }) =>
        given.terminal.note(`scb-mirror: the node of your settings is not asked: ${message}`),
      );
  const { settings, terminal, signal, json } = context;
  const key = await openBackupKey(context);
  const named =
    request.to.kind === "lnd" && settings.from === undefined
      ? { ...context, settings: { ...settings, from: "lnd" } }
      : context;
  const onRetry = (error: ScbError, attempt: number): void =>
    terminal.progress(`${error.message}; trying again (${attempt + 1} of ${maxTries})`);
  return withNodeStore(
    named,
    async (nodeStore) => {
      const { store, witness } = nodeStore;
      const encrypter = await encrypterFor(nodeStore, key, signal);
      const reading = { store, encrypter, signal };
      const chosen = await choose(context, nodeStore, { ...request, key }, encrypter);
      const now = context.clock.now();
      const { folder } = await collectFolder({ ...reading, node: nodeStore.node, now });
      const newer = request.which === "latest" ? await offerNewer(reading, folder) : null;
      const isTaken = newer !== null && (await isWanted(context, newer, chosen, request.to));
      const backup = isTaken ? newer.backup : chosen;
      const also = await fetchAlso(reading, await alsoNeeded(reading, backup));
      const since = await changesSince({ backup, folder, witness, signal });
      terminal.progress(null);
      const delivery = await deliver(context, nodeStore, request.to, backup, also);
      await leaveNote(context, store, backup, request.to.kind);
      const report = {
        backup,
        claim: newestClaim(backup.key, folder, now),
        offer:
          newer === null || isTaken
            ? null
            : { ...newer, line: restoreLine(newer.backup.key, context.flags) },
        since,
        delivery,
        network: settings.network ?? null,
        lineFor: (version: string) => restoreLine(version, context.flags, "FILE"),
        now,
      };
      if (json) terminal.json(reportJson(report));
      else if (delivery.kind === "stdout") noteOnStdout(report, terminal);
      else printReport(report, terminal);
      const isAll = delivery.also.every(({ isDelivered, error }) => isDelivered && error === null);
      return isAll ? exitCodes.done : exitCodes.problemFound;
    },
    { maxTries, onRetry },
  );
};

/** Refuses what cannot be done before anything is fetched or asked for. */
async function readRequest(context: ActionContext<RestoreOptions>): Promise<Request> {
  const { flags, json, clock } = context;
  const { version: which, at, output, force, "to-lnd": toLnd } = context.options;
  if (at !== undefined && which !== undefined) {
    throw new ScbError("usage", `${which} and --at both name a version: choose one of them`);
  }
  if (output === "-" && json) {
    throw new ScbError("usage", "-o - and --json both need stdout: choose one of them");
  }
  if (flags["output"] !== undefined && toLnd) {
    throw new ScbError("usage", "--to-lnd writes no file: leave out -o, or --to-lnd");
  }
  return {
    which: at === undefined ? (which ?? "latest") : undefined,
    at: at === undefined ? null : at(clock.now()),
    to: toLnd
      ? { kind: "lnd" }
      : output === "-"
        ? { kind: "stdout" }
        : {
            kind: "file",
            target: await checkBackupTarget(output, { force }),
          },
  };
}

/** The version that was asked for; an older one only with a person's word. */
async function choose(
  context: ActionContext,
  { store }: NodeStore,
  { which, at, to, key }: Request & { readonly key: LoadedKey | null },
  encrypter: Encrypter | undefined,
): Promise<RestoredBackup> {
  const { signal, terminal, confirm, json, clock } = context;
  const wanted = which ?? String(await sequenceAt(store, at ?? 0, { signal }));
  try {
    return await fetchBackup({ store, which: wanted, encrypter, signal });
  } catch (error) {
    if (!hasCode(error, ...damageCodes)) throw error;
    // A backup key is the same on every network.
    const isOfNetwork = hasCode(error, "decrypt") && key?.kind !== "backup-key";
    const network = isOfNetwork ? await otherNetwork(context, store) : null;
    if (network !== null) {
      throw withMore(error, `these are backups of a node on ${network}: give --network ${network}`);
    }
    if (wanted !== "latest") throw error;
    const found = await newestIntact({ store, encrypter, signal }).catch((failure: unknown) =>
      ScbError.from(failure),
    );
    terminal.progress(null);
    if (hasCode(found, "aborted")) throw found;
    if (found === null) throw error;
    if (found instanceof ScbError) {
      throw withMore(error, `the other versions could not be looked at: ${found.message}`);
    }
    const offer = `the newest intact version is ${nameOf(found, clock.now())}`;
    if (confirm !== undefined && !json && to.kind !== "stdout") {
      terminal.note(`scb-mirror: ${error.message}`);
      if (await confirm(`${offer}. Take this one instead?`)) return found.backup;
    }
    const { sequence, key: named } = found.backup;
    const version = found.wasCurrent ? String(sequence) : named;
    throw withMore(error, `${offer}: ${restoreLine(version, context.flags)}`);
  }
}

/** For people: which version it is, and how old. */
function nameOf({ backup, wasCurrent }: IntactBackup, now: number): string {
  const { sequence, savedAt } = backup;
  const age = isInFuture(savedAt, now)
    ? "whose time of saving is later than now"
    : `saved ${formatAge(Math.max(0, now - savedAt) / 1000)} ago`;
  return `sequence ${sequence}, ${age}${wasCurrent ? "" : ", which never became current"}`;
}

/**
 * The newest intact version beyond what the pointer names: uploaded, and never made current. That it
 * can't be looked at keeps nobody from restoring what is current.
 */
async function offerNewer(
  reading: { readonly store: ObjectStore; readonly encrypter: Encrypter | undefined },
  { current, beyond }: FolderEvidence,
): Promise<IntactBackup | null> {
  const held = current.known && current.value.kind === "held" ? current.value.held : null;
  if (held === null || !beyond.known || beyond.value.length === 0) return null;
  try {
    return await newestIntact({ ...reading, after: held.sequence });
  } catch (error) {
    if (hasCode(error, ...storeTrouble)) return null;
    throw error;
  }
}

/** Asks, if a person is there to answer: nobody but a person takes another version than the current. */
async function isWanted(
  { confirm, json, clock, terminal }: ActionContext,
  newer: IntactBackup,
  { sequence, key }: RestoredBackup,
  to: DeliveryTarget,
): Promise<boolean> {
  const isThatOne = key === newer.backup.key;
  if (confirm === undefined || json || to.kind === "stdout" || isThatOne) return false;
  terminal.progress(null);
  terminal.note(
    `scb-mirror: the pointer names sequence ${sequence}, but a newer version is there: ${nameOf(newer, clock.now())}`,
  );
  return confirm("Take the newer one instead?");
}

/** The network that the pointer names, where words give another key on it than on the one we took. */
async function otherNetwork(
  { settings, signal }: ActionContext,
  store: ObjectStore,
): Promise<Network | null> {
  const current = await currentOrNull(store, { signal });
  const named = current?.kind === "pointer" ? current.pointer.node.network : null;
  const network = networks.find((known) => known === named);
  if (network === undefined) return null;
  const isOther = coinTypeOf(network) !== coinTypeOf(settings.network ?? "mainnet");
  return isOther ? network : null;
}

function withMore(error: ScbError, more: string): ScbError {
  return new ScbError(error.code, `${error.message}; ${more}`, { cause: error });
}

/** Flags that may be repeated on a screen: none of them holds a secret. */
const repeatable = ["to", "node", "output", "key-file", "passphrase-file", "network", "config"];

function restoreLine(version: string, flags: ActionContext["flags"], output?: string): string {
  const words = repeatable.flatMap((name) => {
    const value = name === "output" ? (output ?? flags[name]) : flags[name];
    return value === undefined ? [] : [`--${name}`, shellQuote(value)];
  });
  const toLnd = flags["to-lnd"] !== undefined && output === undefined ? ["--to-lnd"] : [];
  return ["scb-mirror restore", version, ...words, ...toLnd].join(" ");
}

/** A credential that may only read is the right one in an emergency: then there is no note. */
async function leaveNote(
  context: ActionContext,
  store: ObjectStore,
  { key, sequence }: RestoredBackup,
  to: RestoreRecord["to"],
): Promise<void> {
  const by = `scb-mirror/${programVersion} ${hostname()} ${process.pid}`;
  try {
    await recordRestore(store, { key, sequence, to, by }, context);
  } catch (error) {
    const err = ScbError.from(error);
    const level = err.code === "store-denied" ? "info" : "warn";
    context.logger[level]({ err }, "the restore is done, but the store keeps no note of it");
  }
}
