import { applyPrune, type PruneOutcome, preparePrune } from "../recovery/prune/prune.ts";
import type { PrunePlan } from "../recovery/prune/prune-plan.ts";
import { isEmptyPolicy, type RetentionPolicy } from "../recovery/prune/retention-policy.ts";
import { ScbError } from "../runtime/error.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { StoreSurvey } from "../store/store-inspection.ts";
import type { Action } from "./action.ts";
import { inEachStore, jsonOfEach, printEach, worstOf } from "./each-store.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStores } from "./node-store.ts";
import { formatSize, type Terminal, table } from "./terminal.ts";

/** What is left of a removed version, if the store keeps what is deleted. */
const underneath = {
  on: "This bucket keeps versions: removed objects stay there, hidden, until a lifecycle rule for noncurrent versions removes them.",
  suspended:
    "This bucket once kept versions: objects that were saved then stay there, hidden, until a lifecycle rule for noncurrent versions removes them.",
  unknown:
    "This credential may not ask whether the bucket keeps versions: if it does, removed objects stay there until a lifecycle rule for noncurrent versions removes them.",
  off: null,
} as const;

type Outcome = "planned" | "removed" | "failed" | "left";

interface PruneOptions {
  readonly "keep-last"?: number | undefined;
  readonly "keep-daily"?: number | undefined;
  readonly "keep-weekly"?: number | undefined;
  readonly "keep-monthly"?: number | undefined;
  readonly "keep-within"?: number | undefined;
  readonly "orphan-grace": number;
  readonly apply: boolean;
}

export const pruneAction: Action<PruneOptions> = async (context) => {
  keepHeapSmall();
  const { terminal, signal, json, options, clock, random } = context;
  const policy = policyOf(options);
  const { "orphan-grace": graceMs, apply } = options;
  const { node, prunes } = await withNodeStores(context, async (stores) => ({
    node: stores[0].node,
    prunes: await inEachStore(stores, async ({ store, name: part }): Promise<Prune> => {
      const shared = { store, policy, graceMs, clock, random, signal };
      const survey = await store.inspection?.survey({ signal });
      const prepared = await preparePrune({
        ...shared,
        onProgress: (done, total) =>
          terminal.progress({ what: "reading back versions that stay", done, total, part }),
      });
      const outcome = apply
        ? await applyPrune(
            {
              ...shared,
              onProgress: (done, total) =>
                terminal.progress({ what: "removing versions", done, total, part }),
            },
            prepared,
          )
        : null;
      const { plan, goneMirrors } = prepared;
      return { plan, goneMirrors, outcome, versioning: survey?.versioning ?? null };
    }),
  }));
  if (json) terminal.json(jsonOfEach(node, prunes, (prune) => report(policy, prune)));
  else {
    printEach(prunes, terminal, (prune) => {
      const { plan, outcome, versioning } = prune;
      print(node, plan, outcome, terminal);
      printMirrors(prune, terminal);
      const what = underneath[versioning ?? "off"];
      if (plan.remove.length > 0 && what !== null) terminal.line(what);
    });
  }
  return worstOf(prunes, ({ plan, outcome }) => {
    const failures = [...(outcome?.failed.values() ?? [])];
    const [first] = failures;
    if (first === undefined) return exitCodes.done;
    terminal.note(
      `scb-mirror: ${failures.length} of ${plan.remove.length} versions couldn't be removed: ${first.message}`,
    );
    return exitCodes.failed;
  });
};

/** What was planned and done in one store. */
interface Prune {
  readonly plan: PrunePlan;
  readonly goneMirrors: readonly string[];
  readonly outcome: PruneOutcome | null;
  readonly versioning: StoreSurvey["versioning"] | null;
}

function policyOf(options: PruneOptions): RetentionPolicy {
  const policy: RetentionPolicy = {
    keepLast: options["keep-last"] ?? 0,
    keepDaily: options["keep-daily"] ?? 0,
    keepWeekly: options["keep-weekly"] ?? 0,
    keepMonthly: options["keep-monthly"] ?? 0,
    keepWithinMs: options["keep-within"] ?? 0,
  };
  if (!isEmptyPolicy(policy)) return policy;
  throw new ScbError(
    "usage",
    "prune needs to know what to keep: give --keep-last, --keep-daily, --keep-weekly, --keep-monthly or --keep-within",
  );
}

function outcomeOf(key: string, outcome: PruneOutcome | null): Outcome {
  if (outcome === null) return "planned";
  if (outcome.removed.has(key)) return "removed";
  return outcome.failed.has(key) ? "failed" : "left";
}

function report(policy: RetentionPolicy, prune: Prune) {
  const { plan, outcome, versioning } = prune;
  return {
    applied: outcome !== null,
    policy,
    keep: plan.keep.map(({ version, reasons }) => ({ ...factsOf(version), reasons })),
    remove: plan.remove.map(({ version, orphan }) => ({
      ...factsOf(version),
      orphan,
      outcome: outcomeOf(version.key, outcome),
      message: outcome?.failed.get(version.key)?.message ?? null,
    })),
    mirrors: mirrorsOf(prune),
    versioning,
  };
}

/** What happened to the attestations of mirrors that are long gone. */
function mirrorsOf({ goneMirrors, outcome }: Prune) {
  const [failure] = outcome?.mirrors.failed.values() ?? [];
  const removed = outcome?.mirrors.removed.size ?? 0;
  return { gone: goneMirrors.length, removed, message: failure?.message ?? null };
}

/** They are small, so it is no failure if the credential may not remove them. */
function printMirrors(prune: Prune, terminal: Terminal): void {
  const { gone, removed, message } = mirrorsOf(prune);
  if (gone === 0) return;
  const records = gone === 1 ? "1 record" : `${gone} records`;
  const done = prune.outcome === null ? "would go" : `${removed} removed`;
  const why = message === null ? "" : `: ${message}`;
  terminal.line(`${records} of mirrors that are long gone (mirrors/): ${done}${why}`);
}

function factsOf(version: PrunePlan["remove"][number]["version"]) {
  const { key, sequence, sizeBytes, createdAt } = version;
  return { key, sequence, sizeBytes, createdAt: new Date(createdAt).toISOString() };
}

function print(
  node: string,
  plan: PrunePlan,
  outcome: PruneOutcome | null,
  terminal: Terminal,
): void {
  const why = new Map(
    plan.keep.map(({ version, reasons }) => [version.key, `stays: ${reasons.join(", ")}`]),
  );
  for (const { version, orphan } of plan.remove) {
    const what = { planned: "would go", removed: "removed", failed: "FAILED", left: "not tried" }[
      outcomeOf(version.key, outcome)
    ];
    why.set(version.key, orphan ? `${what} (it never became current)` : what);
  }
  const versions = [...plan.keep, ...plan.remove]
    .map(({ version }) => version)
    .sort((a, b) => (a.key < b.key ? 1 : -1));
  const rows = versions.map((version) => [
    String(version.sequence),
    new Date(version.createdAt).toISOString(),
    formatSize(version.sizeBytes),
    why.get(version.key) ?? "",
  ]);
  for (const line of table([["SEQUENCE", "CREATED", "SIZE", ""], ...rows])) terminal.line(line);
  const freed = plan.remove.filter(({ version }) => outcome?.removed.has(version.key) ?? true);
  const size = formatSize(freed.reduce((sum, { version }) => sum + version.sizeBytes, 0));
  const summary =
    outcome === null
      ? `${freed.length} of ${versions.length} versions would go (${size}); nothing was changed`
      : `${freed.length} versions removed (${size}), ${versions.length - freed.length} are left`;
  terminal.line(`${terminal.style("bold", node)}: ${summary}`);
  if (plan.remove.length === 0 || outcome !== null) return;
  terminal.line("To remove them, run the same command with --apply.");
}
