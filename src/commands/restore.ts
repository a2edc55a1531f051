import { hostname } from "node:os";
import { openLnd } from "../app/open-lnd.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { coinTypeOf, type Network, networks } from "../keychain/network.ts";
import type { OutputTarget } from "../recovery/output-file.ts";
import {
  checkBackupTarget,
  lncli,
  restoreCommand,
  shellQuote,
  writeBackupFile,
} from "../recovery/restore/backup-file.ts";
import { changesSince } from "../recovery/restore/changes-since.ts";
import { handOver } from "../recovery/restore/hand-over.ts";
import { damageCodes, newestGoodBackup } from "../recovery/restore/older-backup.ts";
import { fetchBackup, type RestoredBackup } from "../repository/fetch-backup.ts";
import { currentOrNull } from "../repository/history.ts";
import { type RestoreRecord, recordRestore } from "../repository/restore-record.ts";
import { sequenceAt } from "../repository/version-at.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Action, ActionContext } from "./action.ts";
import { encrypterFor, openBackupKey } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import type { Moment } from "./moment.ts";
import { type NodeStore, withNodeStore, withoutAbsentNode } from "./node-store.ts";
import { type Delivery, printReport, reportJson } from "./restore-report.ts";
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
  readonly to:
    | { readonly kind: "file"; readonly target: OutputTarget }
    | { readonly kind: "stdout" }
    | { readonly kind: "lnd" };
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
      const backup = await choose(context, nodeStore, { ...request, key }, encrypter);
      const since = await changesSince({ store, backup, encrypter, witness, signal });
      terminal.progress(null);
      const delivery = await deliver(context, nodeStore, request, backup);
      await leaveNote(context, store, backup, request.to.kind);
      const report = { backup, since, delivery, now: context.clock.now() };
      if (json) terminal.json(reportJson(report));
      else if (delivery.kind !== "stdout") printReport(report, terminal);
      return exitCodes.done;
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
    const older = await newestGoodBackup({ store, encrypter, signal }).catch((failure: unknown) =>
      ScbError.from(failure),
    );
    terminal.progress(null);
    if (hasCode(older, "aborted")) throw older;
    if (older === null) throw error;
    if (older instanceof ScbError) {
      throw withMore(error, `older versions could not be looked at: ${older.message}`);
    }
    const age = formatAge(Math.max(0, clock.now() - older.committedAt) / 1000);
    const offer = `the newest version that checks out is sequence ${older.sequence}, saved ${age} ago`;
    if (confirm !== undefined && !json && to.kind !== "stdout") {
      terminal.note(`scb-mirror: ${error.message}`);
      if (await confirm(`${offer}. Take this one instead?`)) return older;
    }
    throw withMore(error, `${offer}: ${restoreLine(older.sequence, context.flags)}`);
  }
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

function restoreLine(sequence: number, flags: ActionContext["flags"]): string {
  const words = repeatable.flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [`--${name}`, shellQuote(value)];
  });
  const toLnd = flags["to-lnd"] !== undefined ? ["--to-lnd"] : [];
  return ["scb-mirror restore", sequence, ...words, ...toLnd].join(" ");
}

async function deliver(
  context: ActionContext,
  { witness }: NodeStore,
  { to }: Request,
  { packed }: RestoredBackup,
): Promise<Delivery> {
  const { settings, signal, terminal, random } = context;
  const network = settings.network ?? null;
  switch (to.kind) {
    case "stdout":
      await terminal.bytes(packed);
      return { kind: "stdout" };
    case "file":
      throwIfAborted(signal);
      await writeBackupFile(to.target, packed, random);
      return { kind: "file", file: to.target.path, next: restoreCommand(to.target.path, network) };
    case "lnd": {
      if (witness === undefined) {
        throw new ScbError(
          "usage",
          "--to-lnd needs a running lnd: give --from lnd, or leave it out",
        );
      }
      const node = await openLnd(settings);
      try {
        const handedOver = await handOver(node, witness, packed, signal);
        const next = `${lncli(network)} pendingchannels`;
        return { kind: "lnd", node: node.description, ...handedOver, next };
      } finally {
        node.close();
      }
    }
  }
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
