import { hostname } from "node:os";
import { openKey } from "../app/key.ts";
import { applyRepair } from "../recovery/repair.ts";
import { type Candidate, planRepair, type RepairPlan } from "../recovery/repair-plan.ts";
import { programVersion } from "../runtime/version.ts";
import type { Action } from "./action.ts";
import { encrypterFor } from "./backup-key.ts";
import { inEachStore, jsonOfEach, printEach, worstOf } from "./each-store.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { withNodeStores } from "./node-store.ts";
import { formatSize, type Terminal, table } from "./terminal.ts";

interface RepairOptions {
  readonly "to-version"?: string | undefined;
  readonly apply: boolean;
}

export const repairAction: Action<RepairOptions> = async (context) => {
  const { terminal, signal, json, options, clock, random } = context;
  const key = await openKey(context);
  const { node, repairs } = await withNodeStores(context, async (stores) => ({
    node: stores[0].node,
    repairs: await inEachStore(stores, async (nodeStore): Promise<Repair> => {
      const { store, witness, node: name } = nodeStore;
      const plan = await planRepair({
        store,
        toVersion: options["to-version"],
        encrypter: await encrypterFor(nodeStore, key, signal),
        witness,
        signal,
      });
      const { target } = plan;
      const applied = options.apply && target !== null;
      const writer = `scb-mirror/${programVersion} repair ${hostname()} ${process.pid}`;
      if (applied) {
        await applyRepair(plan, target, { store, node: name, writer, clock, random, signal });
      }
      return { plan, applied };
    }),
  }));
  if (json) terminal.json(jsonOfEach(node, repairs, toJson));
  else printEach(repairs, terminal, (repair) => print(node, repair, terminal));
  return worstOf(repairs, exitCodeOf);
};

interface Repair {
  readonly plan: RepairPlan;
  readonly applied: boolean;
}

function toJson({ plan, applied }: Repair): object {
  const { state, message, target, candidates, damaged, alsoRestore } = plan;
  return {
    state,
    message,
    applied,
    target: target === null ? null : factsOf(target),
    candidates: candidates.map(factsOf),
    damaged,
    alsoRestore,
  };
}

function exitCodeOf({ plan: { state, target }, applied }: Repair): ExitCode {
  if (state === "ok" || applied) return exitCodes.done;
  return target === null ? exitCodes.refused : exitCodes.problemFound;
}

function factsOf({ key, sequence, sha256, sizeBytes, createdAt, openedBy }: Candidate) {
  return {
    key,
    sequence,
    sha256,
    sizeBytes,
    createdAt: new Date(createdAt).toISOString(),
    openedBy,
  };
}

function print(node: string, { plan, applied }: Repair, terminal: Terminal): void {
  const { state, message, target, candidates, damaged, alsoRestore } = plan;
  if (state === "ok") {
    terminal.line(`${terminal.style("bold", node)}: nothing to repair: ${message}`);
    return;
  }
  terminal.line(`${terminal.style("bold", node)}: ${terminal.style("red", state)}: ${message}`);
  for (const key of damaged) {
    terminal.line(`  ${terminal.style("red", "damaged")}: ${key} is missing or not intact`);
  }
  for (const line of candidateLines(candidates)) terminal.line(`  ${line}`);
  for (const { key } of alsoRestore) {
    terminal.line(`  also needed, for funds of channels that have closed: ${key}`);
  }
  terminal.line(verdictOf(target, candidates, applied));
}

function candidateLines(candidates: readonly Candidate[]): string[] {
  return table(
    candidates.map(({ key, createdAt, sizeBytes, sha256, isKnownWhole, openedBy }) => [
      key,
      new Date(createdAt).toISOString(),
      formatSize(sizeBytes),
      `sha256 ${sha256.slice(0, 12)}`,
      openedBy !== null ? "opened" : isKnownWhole ? "intact" : "its hash was never recorded",
    ]),
  );
}

function verdictOf(
  target: Candidate | null,
  candidates: readonly Candidate[],
  applied: boolean,
): string {
  if (applied)
    return `The pointer now names ${target?.key}. Mirrors continue from there, on their own or once you start them again.`;
  if (target !== null) {
    return `The pointer must name ${target.key}. Nothing was changed. To write it, run the same command with --apply. (A versioned bucket may still hold the old pointer: compare, if you can.)`;
  }
  if (candidates.length === 0) {
    return "No version is intact, so there is nothing that the pointer could name.";
  }
  const [only] = candidates;
  return candidates.length === 1
    ? `Nothing proves that ${only?.key} is intact: give --key-file or --from lnd to open it, or choose it with --to-version KEY.`
    : "Any of these may have been the current one, and only you can tell which. Compare them (scb-mirror diff, scb-mirror inspect), then choose one with --to-version KEY.";
}
