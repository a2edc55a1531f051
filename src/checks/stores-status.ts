import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { collectFolder, unreadFolder } from "./collect.ts";
import type { Evidence, FolderEvidence } from "./evidence.ts";
import type { Verdict } from "./finding.ts";
import type { Requirement } from "./requirement.ts";
import { lookTwice, type SecondLookOptions } from "./second-look.ts";
import { collectAsked, factsOf, type StatusOptions, type StatusReport } from "./status.ts";
import { problemsOf, type StoreStatus, statusDocument } from "./status-json.ts";
import { compareStores, heldState, newest, type SeenStore } from "./stores-compared.ts";
import { judgeStores, type StoreFinding, type StoreJudgement } from "./stores-verdict.ts";
import { allFailed } from "./told.ts";
import { judge } from "./verdict.ts";

/** What `status` prints: the facts are those of the store that holds the newest state. */
export interface StoresReport extends StatusReport {
  readonly findings: readonly StoreFinding[];
  readonly stores: readonly StoreStatus[];
}

export interface StoresStatusOptions
  extends Omit<StatusOptions, "store">,
    Pick<SecondLookOptions, "secondLookMs"> {
  /** The node's folder in each store. */
  readonly stores: readonly { readonly name: string; readonly store: ObjectStore }[];
  readonly requirement: Requirement;
  /** How long one look at one of several stores may take: a later answer is none. */
  readonly lookMs?: number | undefined;
}

/** One look at all. */
interface Look {
  readonly evidences: readonly Evidence[];
  readonly seen: readonly SeenStore[];
  readonly judged: readonly StoreJudgement[];
  readonly verdict: Verdict;
  readonly findings: readonly StoreFinding[];
  readonly notChecked: readonly string[];
  /** When it ended, milliseconds since 1970. */
  readonly at: number;
}

/**
 * Looks at a node's folder in each of its stores, all at once, and at the node once, if one is given;
 * judges each store, and all together. A store that doesn't answer keeps no other from being told.
 * Throws "aborted", and what the stores throw if none of them says anything of its pointer: then there is
 * nothing to judge.
 */
export async function checkStores(options: StoresStatusOptions): Promise<StoresReport> {
  const seen = await lookTwice(() => lookAt(options), options);
  const { verdict, findings, notChecked, judged, evidences, at } = seen;
  const states = seen.seen.flatMap((store) => heldState(store) ?? []);
  const byName = [...seen.seen].map(({ store }) => store).sort();
  const leader = newest(states, at)?.store ?? byName[0];
  const facts = evidences.map(factsOf);
  const [first] = facts;
  const leading = facts[judged.findIndex(({ store }) => store === leader)] ?? first;
  if (leading === undefined) throw new ScbError("internal", "there is no store to look at");
  return {
    verdict,
    findings,
    notChecked,
    healthy: verdict === "safe",
    problems: problemsOf(findings),
    ...leading,
    stores: judged.map((own, index) => ({
      ...own,
      latest: facts[index]?.latest ?? null,
      ageSeconds: facts[index]?.ageSeconds ?? null,
    })),
  };
}

async function lookAt(options: StoresStatusOptions): Promise<Look> {
  const { stores, clock, maxAgeMs, maxSilenceMs = null, requirement } = options;
  const policy = { question: "mirror", maxAgeMs, maxSilenceMs } as const;
  const asked = await collectAsked(options);
  const folders = await Promise.all(stores.map((one) => folderOf(one, options)));
  const unread = folders.flatMap(({ current }, index) =>
    current.known ? [] : [{ name: stores[index]?.name ?? "", error: current.error }],
  );
  if (unread.length === folders.length) throw allFailed(unread);
  const at = clock.now();
  const evidences = folders.map((folder): Evidence => ({ at, folder, ...asked }));
  const own = evidences.map((evidence) => judge(evidence, policy));
  const seen = stores.flatMap(({ name: store }, index): SeenStore[] => {
    const [judgement, evidence] = [own[index], evidences[index]];
    if (judgement === undefined || evidence === undefined) return [];
    const { verdict, findings } = judgement;
    return [{ store, verdict, findings, folder: evidence.folder }];
  });
  const judged = compareStores(seen, at, requirement);
  const notChecked = [...new Set(own.flatMap((one) => one.notChecked))];
  return { evidences, seen, judged, ...judgeStores(judged, requirement), notChecked, at };
}

/** What one of several stores doesn't answer, or not in time, is evidence too: of that store alone. */
async function folderOf(
  { name, store }: StoresStatusOptions["stores"][number],
  options: StoresStatusOptions,
): Promise<FolderEvidence> {
  const { stores, clock, lookMs, signal } = options;
  const collect = async (within: AbortSignal | undefined): Promise<FolderEvidence> => {
    const { folder } = await collectFolder({ ...options, store, now: clock.now(), signal: within });
    return folder;
  };
  if (stores.length === 1) return collect(signal);
  const late = (): ScbError =>
    new ScbError(
      "store-unknown",
      `${name} has not answered all that was asked within ${(lookMs ?? 0) / 1000} s`,
    );
  try {
    if (lookMs === undefined) return await collect(signal);
    return await withinDeadline({ clock, ms: lookMs, signal, late }, ({ signal: within }) =>
      collect(within),
    );
  } catch (thrown) {
    const error = ScbError.from(thrown);
    if (error.code === "aborted" || error.code === "internal") throw error;
    return unreadFolder({ store, node: options.node }, { known: false, error });
  }
}

/** `status --json`: the contract's fields first. */
export function statusJson(report: StoresReport) {
  const { healthy: _, problems: __, stores: ___, ...facts } = report;
  // What both have is the same; the contract's order comes first.
  return { ...statusDocument(report), ...facts };
}
