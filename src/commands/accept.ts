import { hostname } from "node:os";
import { openKey } from "../app/key.ts";
import { inspectWith } from "../chanbackup/backup-contents.ts";
import type { Commit } from "../mirror/events.ts";
import { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import { ensureProbed } from "../mirror/probe-verdict.ts";
import { SingleWriterSwapper } from "../mirror/single-writer-swapper.ts";
import { type Acceptance, accept, readAcceptance } from "../recovery/accept.ts";
import { ScbError } from "../runtime/error.ts";
import { programVersion } from "../runtime/version.ts";
import type { Action, ActionContext } from "./action.ts";
import { encrypterFor } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import { formatSize } from "./terminal.ts";

interface AcceptOptions {
  readonly quarantined?: string | undefined;
  readonly yes: boolean;
}

export const acceptAction: Action<AcceptOptions> = async (context) => {
  const { settings, terminal, logger, clock, random, signal, json, options } = context;
  const which = options.quarantined;
  const key = await openKey(context);
  return withNodeStore(context, async (nodeStore) => {
    const { node, store, witness = null } = nodeStore;
    const program = `scb-mirror/${programVersion}`;
    const singleWriter = settings["single-writer"];
    const Swapper = singleWriter ? SingleWriterSwapper : ObjectStoreSwapper;
    const swapper = new Swapper({
      store,
      writer: `${program} ${hostname()} ${process.pid} accept`,
      // Whose folder it is stays what it was.
      node: { pubkey: null, network: null },
      guards: [],
      clock,
      random,
      logger,
    });
    const encrypter = await encrypterFor(nodeStore, key, signal);
    const inspect = encrypter === undefined ? null : inspectWith(encrypter);
    const shared = { store, swapper, which, inspect, witness, logger, signal };
    const acceptance = await readAcceptance(shared);
    await ask(context, acceptance);
    if (!singleWriter) await ensureProbed({ store, clock, random, logger, program, signal });
    const bound = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
    const commit = await accept(acceptance, swapper, { clock, random }, bound);
    if (json) terminal.json(toJson(node, acceptance, commit));
    else {
      terminal.line(
        `${terminal.style("green", "accepted")}: ${acceptance.key} is current now, as sequence ${commit.sequence}${replaced(acceptance)}`,
      );
    }
    return exitCodes.done;
  });
};

/** Throws "refused" unless a person says yes, with `--yes` or at the terminal. */
async function ask(context: ActionContext<AcceptOptions>, acceptance: Acceptance): Promise<void> {
  const { terminal, options, confirm, json } = context;
  const isSure = options.yes;
  if (isSure && json) return;
  const lines = describe(acceptance);
  if (!isSure && confirm === undefined) {
    throw new ScbError(
      "refused",
      `nothing was changed, for nobody could be asked: add --yes to accept ${acceptance.key}. ${lines.join(". ")}`,
    );
  }
  for (const line of lines) terminal.note(line);
  if (isSure || (await confirm?.("Make it the current backup?"))) return;
  throw new ScbError("refused", "nothing was changed");
}

/** What would become current, what it replaces, and what is lost by it. */
function describe({ key, reason, candidate, base, loss }: Acceptance): string[] {
  const { held } = base;
  const count = candidate.channels === null ? "" : `${candidate.channels} channels, `;
  const bare = candidate.bareChannels ? `${candidate.bareChannels} of them only restored, ` : "";
  const lines = [
    `${key}: ${count}${bare}${formatSize(candidate.packed.length)}, held back ${reason.refusedAt} (${reason.code})`,
    `Why: ${reason.message}`,
  ];
  if (held !== null) {
    lines.push(
      `It would replace sequence ${held.sequence}, ${formatSize(held.sizeBytes)}, saved ${new Date(held.committedAt).toISOString()}, which stays in the store as ${held.key}`,
    );
  }
  if (loss === null) {
    lines.push("Which channels it lacks is not known here (give --key-file, or --from lnd)");
  } else {
    lines.push(`Channels that it lacks: ${list(loss.gone)}`);
    if (loss.poorer !== null) lines.push(`Channels that it holds less of: ${list(loss.poorer)}`);
  }
  return lines;
}

function list(points: readonly string[]): string {
  return points.length === 0 ? "none" : `${points.length} (${points.join(", ")})`;
}

function replaced({ base }: Acceptance): string {
  return base.held === null ? "" : `; sequence ${base.held.sequence} stays in the store`;
}

function toJson(node: string, acceptance: Acceptance, commit: Commit): unknown {
  const { key, reason, base, loss } = acceptance;
  const { sequence, sha256, sizeBytes, channels } = commit;
  return {
    node,
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
