import type { Told } from "../chanbackup/node-survey.ts";
import type { Requirement } from "../checks/requirement.ts";
import { judgeStores, type StoreJudgement } from "../checks/stores-verdict.ts";
import { allFailed } from "../checks/told.ts";
import { unreadFinding } from "../checks/unread.ts";
import { ScbError } from "../runtime/error.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** The outcome in one of the stores that `--to` names. */
export type StoreOutcome<T> = { readonly name: string } & Told<T>;

/**
 * Does the same in all stores at once. A failure in one of several is that store's outcome. A failure in
 * the only store is thrown, and so is one in all stores, with each store's message. Throws "aborted" and
 * defects.
 */
export function inEachStore<S extends { readonly name: string }, T>(
  stores: readonly S[],
  work: (store: S) => Promise<T>,
): Promise<readonly StoreOutcome<T>[]> {
  return settled(stores, () => Promise.all(stores.map((store) => outcomeOf(store, work))), work);
}

/** Like `inEachStore`, but one store after the other, for work that asks a person or shows progress. */
export function inTurn<S extends { readonly name: string }, T>(
  stores: readonly S[],
  work: (store: S) => Promise<T>,
): Promise<readonly StoreOutcome<T>[]> {
  const all = async (): Promise<StoreOutcome<T>[]> => {
    const outcomes: StoreOutcome<T>[] = [];
    for (const store of stores) outcomes.push(await outcomeOf(store, work));
    return outcomes;
  };
  return settled(stores, all, work);
}

async function settled<S extends { readonly name: string }, T>(
  stores: readonly S[],
  all: () => Promise<readonly StoreOutcome<T>[]>,
  work: (store: S) => Promise<T>,
): Promise<readonly StoreOutcome<T>[]> {
  const [only, another] = stores;
  if (only !== undefined && another === undefined) {
    return [{ name: only.name, known: true, value: await work(only) }];
  }
  const outcomes = await all();
  const errors = outcomes.flatMap(({ name, ...one }) => (one.known ? [] : [{ name, ...one }]));
  if (errors.length > 0 && errors.length === outcomes.length) throw allFailed(errors);
  return outcomes;
}

async function outcomeOf<S extends { readonly name: string }, T>(
  store: S,
  work: (store: S) => Promise<T>,
): Promise<StoreOutcome<T>> {
  const { name } = store;
  try {
    return { name, known: true, value: await work(store) };
  } catch (thrown) {
    const error = ScbError.from(thrown);
    if (error.code === "aborted" || error.code === "internal") throw error;
    return { name, known: false, error };
  }
}

/** From best to worst. */
const order: readonly ExitCode[] = [
  exitCodes.done,
  exitCodes.problemFound,
  exitCodes.failed,
  exitCodes.usage,
  exitCodes.refused,
];

function weightOf(code: ExitCode): number {
  return order.indexOf(code);
}

/** The worst exit code of all stores. */
export function worstOf<T>(
  outcomes: readonly StoreOutcome<T>[],
  codeOf: (value: T) => ExitCode,
): ExitCode {
  return outcomes
    .map((one) => (one.known ? codeOf(one.value) : exitCodeOf(one.error.code)))
    .reduce((worst, code) => (weightOf(code) > weightOf(worst) ? code : worst), exitCodes.done);
}

/** The verdict over all stores, from the judgement of each. A store that failed counts as unknown. */
export function judgeEach<T>(
  outcomes: readonly StoreOutcome<T>[],
  judged: (value: T) => Omit<StoreJudgement, "store">,
  requirement: Requirement,
): ReturnType<typeof judgeStores> {
  const judgements = outcomes.map(({ name: store, ...one }): StoreJudgement => {
    if (!one.known) {
      return { store, verdict: "unknown", findings: [unreadFinding(store, one.error)] };
    }
    const { verdict, findings } = judged(one.value);
    return { store, verdict, findings };
  });
  return judgeStores(judgements, requirement);
}

/** Each store's facts, or its error. */
export function storesJson<T>(
  outcomes: readonly StoreOutcome<T>[],
  factsOf: (value: T) => object,
): readonly object[] {
  return outcomes.map(({ name: store, ...one }) =>
    one.known
      ? { store, ...factsOf(one.value), error: null }
      : { store, error: { code: one.error.code, message: one.error.message } },
  );
}

/** With one store, its facts; with several, the facts of each. */
export function jsonOfEach<T>(
  node: string,
  outcomes: readonly StoreOutcome<T>[],
  factsOf: (value: T) => object,
): { readonly node: string } {
  const [only, another] = outcomes;
  return only?.known === true && another === undefined
    ? { node, ...factsOf(only.value) }
    : { node, ...{ stores: storesJson(outcomes, factsOf) } };
}

/** Prints each store's outcome, under its name if there are several. */
export function printEach<T>(
  outcomes: readonly StoreOutcome<T>[],
  terminal: Terminal,
  print: (value: T) => void,
): void {
  for (const { name, ...one } of outcomes) {
    if (outcomes.length > 1) terminal.line(terminal.style("bold", name));
    if (one.known) print(one.value);
    else terminal.line(terminal.style("red", `FAILED: ${one.error.message}`));
  }
}
