import type { Settings } from "../app/settings.ts";
import { ensureProbed } from "../mirror/probe-verdict.ts";
import type { CopyProblemCode } from "../recovery/copy/carry-versions.ts";
import {
  applyCopy,
  type CopiedPointer,
  type CopyReport,
  examineCopy,
} from "../recovery/copy/copy.ts";
import { type CopyPlan, planCopy } from "../recovery/copy/copy-plan.ts";
import { refuseSameName, refuseSamePlace } from "../recovery/copy/same-place.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { parseLocation, storeName } from "../store/parse-location.ts";
import type { Action, ActionContext } from "./action.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import { formatSize, type Terminal } from "./terminal.ts";

interface CopyOptions {
  readonly apply: boolean;
}

/** What was done, for the report. */
interface Done {
  readonly from: string;
  readonly to: string;
  readonly node: string;
  readonly applied: boolean;
  readonly plan: CopyPlan;
  readonly report: CopyReport;
}

export const copyAction: Action<CopyOptions> = async (context) => {
  keepHeapSmall();
  const { terminal, json } = context;
  const done = await withBothStores(context, (node, source, target, names) =>
    copyBetween(context, node, source, target, names),
  );
  if (json) terminal.json(toJson(done));
  else print(done, terminal);
  return exitCodeOf(done.report);
};

async function copyBetween(
  context: ActionContext<CopyOptions>,
  node: string,
  source: ObjectStore,
  target: ObjectStore,
  names: Pick<Done, "from" | "to">,
): Promise<Done> {
  const { options, terminal, clock, random, signal } = context;
  await refuseSameName(source, target);
  const plan = await planCopy({ source, target, signal });
  const shared = {
    source,
    target,
    clock,
    random,
    signal,
    onProgress: (count: number, total: number) =>
      terminal.progress({
        what: `${options.apply ? "copying" : "comparing"} versions`,
        done: count,
        total,
      }),
  };
  if (!options.apply) {
    return { ...names, node, applied: false, plan, report: await examineCopy(plan, shared) };
  }
  await refuseSamePlace(source, target, { clock, random, signal });
  const withoutPointer = await whyWithoutPointer(context, target, plan);
  const report = await applyCopy(plan, { ...shared, withoutPointer });
  return { ...names, node, applied: true, plan, report };
}

/** The pointer may move only if the target passes the probe itself; a copied verdict doesn't count. */
async function whyWithoutPointer(
  { clock, random, logger, signal, terminal }: ActionContext,
  target: ObjectStore,
  { pointerPlan }: CopyPlan,
): Promise<string | null> {
  if (pointerPlan.kind !== "place" || target.conditions === "none") return null;
  const program = `scb-mirror/${programVersion}`;
  terminal.progress({ what: "trying conditional writes" });
  try {
    await ensureProbed({ store: target, clock, random, logger, program, signal });
    return null;
  } catch (error) {
    if (hasCode(error, "store-lies")) return error.message;
    throw error;
  }
}

/** Opens the same node's folder in both stores, passes them to `use`, and closes everything again. */
function withBothStores<T>(
  context: ActionContext,
  use: (
    node: string,
    source: ObjectStore,
    target: ObjectStore,
    names: Pick<Done, "from" | "to">,
  ) => Promise<T>,
): Promise<T> {
  const { settings } = context;
  const { "from-store": fromStore, to: [to, another] = [] } = settings;
  if (fromStore === undefined) throw notNamed("to copy from", "--from-store");
  if (to === undefined) throw notNamed("to copy to", "--to");
  if (another !== undefined) {
    throw new ScbError("usage", "copy writes to one store at a time: give --to once");
  }
  const names = { from: nameOf(fromStore, "--from-store"), to: nameOf(to, "--to") };
  const at = (url: string, node: string | undefined): ActionContext => {
    // Neither copying nor comparing needs the node itself.
    const { from: _, node: __, ...others } = settings;
    const named = node === undefined ? {} : { node };
    const opened: Settings = { ...others, ...named, to: [url], require: "all" };
    return { ...context, settings: opened };
  };
  return withNodeStore(at(fromStore, settings.node), ({ node, store: source }) =>
    withNodeStore(at(to, node), ({ store: target }) => use(node, source, target, names)),
  );
}

function notNamed(which: string, flag: string): ScbError {
  return new ScbError(
    "usage",
    `there is no store ${which}: give ${flag} s3://BUCKET[/PREFIX] or ${flag} file:///PATH`,
  );
}

function nameOf(url: string, flag: string): string {
  try {
    return storeName(parseLocation(url));
  } catch (error) {
    const { code, message } = ScbError.from(error);
    throw new ScbError(code, `${flag}: ${message}`, { cause: error });
  }
}

function exitCodeOf({ problems, pointer }: CopyReport): ExitCode {
  const isWhole = problems.length === 0 && pointer.state !== "withheld";
  return isWhole ? exitCodes.done : exitCodes.problemFound;
}

function toJson({ from, to, node, applied, plan, report }: Done) {
  const { versions, records, bytes, pointer, problems, movedOnTo } = report;
  const count = (code: CopyProblemCode): number =>
    problems.filter((problem) => problem.code === code).length;
  return {
    from,
    to,
    node,
    applied,
    versions: {
      ...versions,
      damaged: count("damaged"),
      missing: count("missing"),
      differing: count("differs"),
      unproven: count("unproven"),
    },
    records,
    bytes,
    pointer: {
      state: pointer.state === "placed" && !applied ? "planned" : pointer.state,
      sequence: plan.pointer?.sequence ?? null,
      key: plan.pointer?.version.key ?? null,
      reason: "reason" in pointer ? pointer.reason : null,
    },
    problems,
    movedOnTo,
  };
}

function print(done: Done, terminal: Terminal): void {
  const { from, to, node, applied, plan, report } = done;
  const { versions, records, bytes, pointer, problems, movedOnTo } = report;
  for (const { key, code, message } of problems) {
    terminal.line(`  ${terminal.style("red", code)}: ${key}: ${message}`);
  }
  const counts = [
    `${versions.copied} of ${versions.total} versions ${applied ? "copied" : "would be copied"} (${formatSize(bytes)})`,
    ...(versions.present === 0 ? [] : [`${versions.present} already there, byte for byte`]),
    ...(records.copied === 0 ? [] : [`and ${records.copied} records`]),
  ];
  terminal.line(`${terminal.style("bold", node)}: ${counts.join(", ")}`);
  terminal.line(`from ${from} to ${to}`);
  terminal.line(pointerLine(pointer, plan, applied, to));
  if (movedOnTo !== null) {
    terminal.line(
      `The source has moved on to sequence ${movedOnTo} in the meantime: run the same command again to copy the rest.`,
    );
  }
  if (applied) return;
  const isDue = versions.copied > 0 || records.copied > 0 || pointer.state === "placed";
  terminal.line(
    isDue
      ? "Nothing was changed. To copy, run the same command with --apply."
      : "Nothing was changed, and nothing is missing there. (--apply also checks that the two aren't one place under two names.)",
  );
}

function pointerLine(pointer: CopiedPointer, plan: CopyPlan, applied: boolean, to: string): string {
  const named = `sequence ${plan.pointer?.sequence} (${plan.pointer?.version.key})`;
  switch (pointer.state) {
    case "placed":
      return applied
        ? `The pointer there now names ${named}. To check that a restore from it would work, run scb-mirror drill --to ${to}`
        : `The pointer there would then name ${named}.`;
    case "level":
      return `The pointer there names ${named}, as the source's does.`;
    case "none":
      return `There is no pointer there, because ${pointer.reason}. The newest version is the current one.`;
    case "withheld":
      return `The pointer there ${applied ? "was not moved" : "would not be moved"}: ${pointer.reason}`;
  }
}
