import { hostname } from "node:os";
import { isAppendOnly } from "../app/destination.ts";
import { openKey } from "../app/key.ts";
import { inspectWith } from "../chanbackup/backup-contents.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import type { Commit } from "../mirror/events.ts";
import { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import { ensureProbed } from "../mirror/probe-verdict.ts";
import { SingleWriterSwapper } from "../mirror/single-writer-swapper.ts";
import { type Acceptance, accept, readAcceptance } from "../recovery/accept.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { programVersion } from "../runtime/version.ts";
import type { Action, ActionContext } from "./action.ts";
import { encrypterFor } from "./backup-key.ts";
import { inTurn, jsonOfEach, printEach, worstOf } from "./each-store.ts";
import { exitCodes } from "./exit-code.ts";
import { type NodeStore, withNodeStores } from "./node-store.ts";
import { formatSize } from "./terminal.ts";

interface AcceptOptions {
  readonly quarantined?: string | undefined;
  readonly yes: boolean;
}

export const acceptAction: Action<AcceptOptions> = async (context) => {
  const { terminal, json } = context;
  const key = await openKey(context);
  return withNodeStores(context, async (stores) => {
    const { node } = stores[0];
    const isOne = stores.length === 1;
    // One after the other, because a person is asked about each.
    const outcomes = await inTurn(stores, (nodeStore) =>
      acceptIn(context, nodeStore, isOne ? null : nodeStore.name, key),
    );
    // If only some stores hold the refusal, the others lack nothing.
    const isNothing = (one: (typeof outcomes)[number]): boolean =>
      !one.known && one.error.code === "not-found";
    const done = outcomes.filter((one) => !isNothing(one));
    if (json) {
      terminal.json(jsonOfEach(node, outcomes, toJson));
    } else {
      printEach(outcomes, terminal, ({ acceptance, commit }) =>
        terminal.line(
          `${terminal.style("green", "accepted")}: ${acceptance.key} is now current, as sequence ${commit.sequence}${replaced(acceptance)}`,
        ),
      );
    }
    return worstOf(done, () => exitCodes.done);
  });
};

interface Accepted {
  readonly acceptance: Acceptance;
  readonly commit: Commit;
}

/** `name`: the store's, if there are several. */
async function acceptIn(
  context: ActionContext<AcceptOptions>,
  nodeStore: NodeStore,
  name: string | null,
  key: LoadedKey | null,
): Promise<Accepted> {
  const { settings, logger, clock, random, signal, options } = context;
  const { store, witness = null } = nodeStore;
  const program = `scb-mirror/${programVersion}`;
  const appendOnly = isAppendOnly(store, settings);
  const Swapper = appendOnly ? SingleWriterSwapper : ObjectStoreSwapper;
  const swapper = new Swapper({
    store,
    writer: `${program} ${hostname()} ${process.pid} accept`,
    // The folder keeps its owner.
    node: { pubkey: null, network: null },
    guards: [],
    clock,
    random,
    logger,
  });
  const encrypter = await encrypterFor(nodeStore, key, signal);
  const inspect = encrypter === undefined ? null : inspectWith(encrypter);
  const shared = { store, swapper, which: options.quarantined, inspect, witness, logger, signal };
  const acceptance = await readAcceptance(shared);
  await ask(context, acceptance, name);
  if (!appendOnly) await ensureProbed({ store, clock, random, logger, program, signal });
  const bound = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
  try {
    const commit = await accept(acceptance, swapper, { clock, random }, bound);
    return { acceptance, commit };
  } catch (error) {
    // Of several stores, only this one's time is up.
    if (name === null || signal.aborted || !hasCode(error, "aborted")) throw error;
    const message = `it isn't known whether it was accepted, after ${settings.timeout / 1000} s (--timeout): ${error.message}`;
    throw new ScbError("store-unknown", message, { cause: error });
  }
}

/** Throws "refused" unless a person says yes, with `--yes` or at the terminal. */
async function ask(
  context: ActionContext<AcceptOptions>,
  acceptance: Acceptance,
  name: string | null,
): Promise<void> {
  const { terminal, options, confirm, json } = context;
  const isSure = options.yes;
  if (isSure && json) return;
  const lines = [...(name === null ? [] : [`In ${name}`]), ...describe(acceptance)];
  if (!isSure && confirm === undefined) {
    throw new ScbError(
      "refused",
      `nothing was changed, because there was nobody to ask: add --yes to accept ${acceptance.key}. ${lines.join(". ")}`,
    );
  }
  for (const line of lines) terminal.note(line);
  if (isSure || (await confirm?.("Make it the current backup?"))) return;
  throw new ScbError("refused", "nothing was changed");
}

/** What would become current, what it would replace, and what would be lost. */
function describe({ key, reason, candidate, base, loss }: Acceptance): string[] {
  const { held } = base;
  const count = candidate.channels === null ? "" : `${candidate.channels} channels, `;
  const bare = candidate.bareChannels ? `${candidate.bareChannels} of them only restored, ` : "";
  const lines = [
    `${key}: ${count}${bare}${formatSize(candidate.packed.length)}, refused at ${reason.refusedAt} (${reason.code})`,
    `Why: ${reason.message}`,
  ];
  if (held !== null) {
    lines.push(
      `It would replace sequence ${held.sequence}, ${formatSize(held.sizeBytes)}, saved ${new Date(held.committedAt).toISOString()}, which stays in the store as ${held.key}`,
    );
  }
  if (loss === null) {
    lines.push("It isn't known which channels it lacks (give --key-file or --from lnd)");
  } else {
    lines.push(`Channels that it lacks: ${list(loss.gone)}`);
    if (loss.poorer !== null) lines.push(`Channels with less recovery data: ${list(loss.poorer)}`);
  }
  return lines;
}

function list(points: readonly string[]): string {
  return points.length === 0 ? "none" : `${points.length} (${points.join(", ")})`;
}

function replaced({ base }: Acceptance): string {
  return base.held === null ? "" : `; sequence ${base.held.sequence} stays in the store`;
}

function toJson({ acceptance, commit }: Accepted): object {
  const { key, reason, base, loss } = acceptance;
  const { sequence, sha256, sizeBytes, channels } = commit;
  return {
    sequence,
    key: commit.key,
    sha256,
    sizeBytes,
    channels,
    accepted: key,
    code: reason.code,
    replaced: base.held && { sequence: base.held.sequence, key: base.held.key },
    gone: loss?.gone ?? null,
    poorer: loss?.poorer ?? null,
  };
}
