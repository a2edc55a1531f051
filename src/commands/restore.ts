import { hostname } from "node:os";
import type { FolderEvidence } from "../checks/evidence.ts";
import { storeTrouble } from "../checks/told.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { coinTypeOf, type Network, networks } from "../keychain/network.ts";
import { type AlsoElsewhere, alsoNeeded, fetchAlso } from "../recovery/restore/also-backups.ts";
import { checkBackupTarget } from "../recovery/restore/backup-file.ts";
import { changesSince } from "../recovery/restore/changes-since.ts";
import type { IntactBackup } from "../recovery/restore/intact-backup.ts";
import { type AllStores, holdings, newestOfAll } from "../recovery/restore/newest-of-all.ts";
import {
  type FoundBackup,
  fetchFromAny,
  isDamage,
  newestIntactOf,
} from "../recovery/restore/several-stores.ts";
import type { HeldVersion } from "../repository/base.ts";
import type { RestoredBackup } from "../repository/fetch-backup.ts";
import { currentOrNull } from "../repository/history.ts";
import { type RestoreRecord, recordRestore } from "../repository/restore-record.ts";
import { isInFuture } from "../repository/times.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { shellQuote } from "../runtime/shell-quote.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Action, ActionContext } from "./action.ts";
import { openBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import type { Moment } from "./moment.ts";
import { withNodeStores, withoutAbsentNode } from "./node-store.ts";
import { type OpenedStore, readStores } from "./read-stores.ts";
import { type DeliveryTarget, deliver } from "./restore-delivery.ts";
import { noteOnStdout, printReport, reportJson } from "./restore-report.ts";
import { formatAge } from "./terminal.ts";

/** About half a minute for a store in trouble: during a restore, waiting is better than giving up. */
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
  /** Undefined if `at` is given. */
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
        given.terminal.note(`scb-mirror: continuing without the node in your settings: ${message}`),
      );
  const { settings, terminal, signal, json } = context;
  const key = await openBackupKey(context);
  const named =
    request.to.kind === "lnd" && settings.from === undefined
      ? { ...context, settings: { ...settings, from: "lnd" } }
      : context;
  const onRetry = (error: ScbError, attempt: number): void =>
    terminal.progress({
      what: `${error.message}; trying again (${attempt + 1} of ${maxTries})`,
    });
  return withNodeStores(
    named,
    async (nodeStores) => {
      const now = context.clock.now();
      const stores = await readStores(nodeStores, { key, now, signal });
      const chosen = await choose(context, stores, { ...request, key, now });
      const newer = request.which === "latest" ? await offerNewer(stores, chosen, context) : null;
      const isTaken = newer !== null && (await isWanted(context, newer, chosen, request.to));
      const taken = isTaken ? newer : chosen;
      const { from, backup } = taken;
      const { folder, store, witness } = from;
      const reading = { store, encrypter: from.encrypter, signal };
      const elsewhere = stores.read.filter((other) => other !== from).map(elsewhereOf);
      const also = await fetchAlso(reading, await alsoNeeded(reading, backup), elsewhere);
      const since = await changesSince({ backup, folder, witness, signal });
      const delivery = await deliver(context, witness, request.to, backup, also);
      await leaveNote(context, store, backup, request.to.kind);
      const isOne = nodeStores.length === 1;
      const report = {
        backup,
        store: from.name,
        stores: holdings(taken, stores, now),
        claim: newestOfAll(backup.key, from, stores, now),
        offer:
          newer === null || isTaken
            ? null
            : {
                ...newer,
                store: newer.from.name,
                line: restoreLine(newer.backup.key, context.flags, isOne ? null : newer.from.to),
              },
        since,
        delivery,
        network: settings.network ?? null,
        lineFor: (version: string) =>
          restoreLine(version, context.flags, isOne ? null : from.to, "FILE"),
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

/** What another store names, with keys of its own. */
function elsewhereOf({ store, encrypter, folder }: OpenedStore): AlsoElsewhere {
  const held = heldIn(folder);
  return { store, encrypter, named: held === null ? [] : [held, ...held.alsoRestore] };
}

function heldIn({ current }: FolderEvidence): HeldVersion | null {
  return current.known && current.value.kind === "held" ? current.value.held : null;
}

/** Refuses impossible requests before anything is fetched or asked. */
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
    throw new ScbError("usage", "--to-lnd writes no file: leave out either -o or --to-lnd");
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

/** Fetches the wanted version; takes an older one only if a person agrees. */
async function choose(
  context: ActionContext,
  stores: AllStores<OpenedStore>,
  { which, at, to, key, now }: Request & { readonly key: LoadedKey | null; readonly now: number },
): Promise<FoundBackup<OpenedStore>> {
  const { signal, terminal, confirm, json } = context;
  const { read, unread } = stores;
  const wanted = which === undefined ? { at: at ?? 0 } : { which };
  try {
    return await fetchFromAny(read, wanted, { signal, now });
  } catch (error) {
    if (!isDamage(error)) throw error;
    // A backup key is the same on every network.
    const isOfNetwork = hasCode(error, "decrypt") && key?.kind !== "backup-key";
    const [first] = read;
    const network = isOfNetwork && first ? await otherNetwork(context, first.store) : null;
    if (network !== null) {
      throw withMore(error, `these are backups of a node on ${network}: give --network ${network}`);
    }
    if (which !== "latest") throw error;
    const found = await newestIntactOf(read, { signal, now }).catch((failure: unknown) =>
      ScbError.from(failure),
    );
    if (hasCode(found, "aborted")) throw found;
    if (found === null) throw error;
    if (found instanceof ScbError) {
      throw withMore(error, `the other versions couldn't be read: ${found.message}`);
    }
    const isOne = read.length + unread.length === 1;
    const where = isOne ? "" : ` in ${found.from.name}`;
    const offer = `the newest intact version${where} is ${nameOf(found, now)}`;
    if (confirm !== undefined && !json && to.kind !== "stdout") {
      terminal.note(`scb-mirror: ${error.message}`);
      if (await confirm(`${offer}. Take this one instead?`)) return found;
    }
    const { sequence, key: named } = found.backup;
    const version = found.wasCurrent ? String(sequence) : named;
    const line = restoreLine(version, context.flags, isOne ? null : found.from.to);
    throw withMore(error, `${offer}: ${line}`);
  }
}

/** For people: which version it is, and how old. */
function nameOf({ backup, wasCurrent }: IntactBackup, now: number): string {
  const { sequence, savedAt } = backup;
  const age = isInFuture(savedAt, now)
    ? "whose time is in the future"
    : `saved ${formatAge(Math.max(0, now - savedAt) / 1000)} ago`;
  return `sequence ${sequence}, ${age}${wasCurrent ? "" : ", which never became current"}`;
}

type Newer = IntactBackup & FoundBackup<OpenedStore>;

/**
 * The newest intact version beyond a pointer: uploaded, but never made current. If it is in another store,
 * it has to be newer than the chosen one. If it can't be read, the current one can still be restored.
 */
async function offerNewer(
  { read }: AllStores<OpenedStore>,
  chosen: FoundBackup<OpenedStore>,
  { clock, signal }: ActionContext,
): Promise<Newer | null> {
  const mayHold = read.filter((store) => {
    const { current, beyond } = store.folder;
    if (heldIn(store.folder) === null) {
      return store !== chosen.from && current.known && current.value.kind !== "none";
    }
    return beyond.known && beyond.value.length > 0;
  });
  if (mayHold.length === 0) return null;
  const after = ({ folder }: OpenedStore): number => heldIn(folder)?.sequence ?? 0;
  try {
    const newer = await newestIntactOf(mayHold, { after, now: clock.now(), signal });
    if (newer === null || newer.from === chosen.from) return newer;
    const { savedAt, sha256 } = newer.backup;
    const isLater = savedAt > chosen.backup.savedAt && sha256 !== chosen.backup.sha256;
    return isLater ? newer : null;
  } catch (error) {
    if (hasCode(error, ...storeTrouble)) return null;
    throw error;
  }
}

/** Asks a person, if there is one: only a person may choose a version other than the current one. */
async function isWanted(
  { confirm, json, clock, terminal }: ActionContext,
  newer: Newer,
  { from, backup: { sequence, key } }: FoundBackup<OpenedStore>,
  to: DeliveryTarget,
): Promise<boolean> {
  const isThatOne = key === newer.backup.key && from === newer.from;
  const where = from === newer.from ? "is there" : `is in ${newer.from.name}`;
  if (confirm === undefined || json || to.kind === "stdout" || isThatOne) return false;
  terminal.note(
    `scb-mirror: the pointer names sequence ${sequence}, but a newer version ${where}: ${nameOf(newer, clock.now())}`,
  );
  return confirm("Take the newer one instead?");
}

/** The pointer's network, if the seed gives a different key on it than on the network that was used. */
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

/** Flags that may be shown again, because none of them holds a secret. */
const repeatable = ["to", "node", "output", "key-file", "passphrase-file", "network", "config"];

/** `to`: the version's store, if there are several, since a sequence means something only in its store. */
function restoreLine(
  version: string,
  flags: ActionContext["flags"],
  to: string | null,
  output?: string,
): string {
  const given: ActionContext["flags"] = {
    ...flags,
    ...(to !== null && { to }),
    ...(output !== undefined && { output }),
  };
  const words = repeatable.flatMap((name) => {
    const value = given[name];
    return value === undefined ? [] : [`--${name}`, shellQuote(value)];
  });
  const toLnd = flags["to-lnd"] !== undefined && output === undefined ? ["--to-lnd"] : [];
  return ["scb-mirror restore", version, ...words, ...toLnd].join(" ");
}

/** A read-only credential is right in an emergency; then the store keeps no record. */
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
    context.logger[level]({ err }, "the restore is done, but the store has no record of it");
  }
}
