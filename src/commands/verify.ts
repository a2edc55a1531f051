import { openKey } from "../app/key.ts";
import type { judgeStores } from "../checks/stores-verdict.ts";
import { type VerifyOptions, type VerifyReport, verifyHistory } from "../checks/verify.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { Action } from "./action.ts";
import { encrypterFor } from "./backup-key.ts";
import { inEachStore, judgeEach, printEach, type StoreOutcome, storesJson } from "./each-store.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStores } from "./node-store.ts";
import type { Terminal } from "./terminal.ts";

/** How many of each code a terminal shows; the JSON has all. */
const shownOfAKind = 20;

/** The part of the history to check: from a sequence on, or the last so many milliseconds. */
export type Since = { readonly sequence: number } | { readonly spanMs: number };

interface VerifyCommandOptions {
  readonly since?: Since | undefined;
  readonly sample?: number | undefined;
}

export const verifyAction: Action<VerifyCommandOptions> = async (context) => {
  keepHeapSmall();
  const { terminal, signal, json, random, clock, options } = context;
  const { since, sample } = options;
  const key = await openKey(context);
  const { node, reports } = await withNodeStores(context, async (stores) => ({
    node: stores[0].node,
    reports: await inEachStore(stores, async (nodeStore) =>
      verifyHistory({
        store: nodeStore.store,
        node: nodeStore.node,
        now: clock.now(),
        random,
        since: since === undefined ? undefined : beginningOf(since, clock.now()),
        sample,
        encrypter: await encrypterFor(nodeStore, key, signal),
        witness: nodeStore.witness,
        signal,
        onProgress: (done, total) =>
          terminal.progress({ what: "reading versions back", done, total, part: nodeStore.name }),
      }),
    ),
  }));
  const together = judgeEach(reports, (report) => report, context.settings.require);
  if (json) terminal.json(toJson(node, reports, together));
  else {
    printEach(reports, terminal, (report) => print(node, report, terminal));
  }
  return together.verdict === "safe" ? exitCodes.done : exitCodes.problemFound;
};

/** With several stores, the findings are summed up, and `stores` has each store's own. */
function toJson(
  node: string,
  reports: readonly StoreOutcome<VerifyReport>[],
  { verdict, findings }: ReturnType<typeof judgeStores>,
): object {
  const read = reports.flatMap(({ name: store, ...one }) =>
    one.known ? [{ store, ...one.value }] : [],
  );
  const [only] = read;
  if (only !== undefined && reports.length === 1) {
    const { store: _, ok, checked, problems, total, ...others } = only;
    return { ok, checked, problems, node, total, ...others };
  }
  const sum = (of: (report: VerifyReport) => number): number =>
    read.reduce((all, report) => all + of(report), 0);
  return {
    ok: verdict === "safe",
    checked: sum(({ checked }) => checked),
    problems: read.flatMap(({ store, problems }) => problems.map((one) => ({ ...one, store }))),
    node,
    total: sum(({ total }) => total),
    verdict,
    findings,
    stores: storesJson(reports, (report) => report),
  };
}

function beginningOf(since: Since, now: number): VerifyOptions["since"] {
  return "spanMs" in since ? { savedAt: now - since.spanMs } : since;
}

const verdictStyles = {
  safe: ["green", "no problem"],
  unsafe: ["red", "PROBLEMS"],
  unknown: ["yellow", "NOT known whether everything is right"],
} as const;
const findingStyles = { problem: "red", unknown: "yellow", warning: "yellow" } as const;

function print(node: string, report: VerifyReport, terminal: Terminal): void {
  const { ok, checked, total, openedBy, findings, notes, also } = report;
  const [style, verdict] = verdictStyles[report.verdict];
  const of = checked === total ? `all ${total}` : `${checked} of ${total}`;
  const name = terminal.style("bold", node);
  terminal.line(`${name}: ${terminal.style(style, verdict)}; ${of} versions were read back`);
  const opened = {
    key: "your key opened each of them",
    lnd: "the node opened each of them",
    null: "none was opened (give --key-file or --from lnd)",
  }[`${openedBy}`];
  if (ok) terminal.line(`  size, hash, chain and pointer are right; ${opened}`);
  for (const { key, channelPoints } of also) {
    const count = channelPoints.length || "some";
    terminal.line(`  a restore also needs ${key}, for the funds of ${count} closed channels`);
  }
  for (const ofKind of Map.groupBy(findings, ({ code }) => code).values()) {
    const [first] = ofKind;
    if (first === undefined) continue;
    const code = terminal.style(findingStyles[first.level], first.code);
    printSome(
      code,
      ofKind.map(({ subject, message }) => `${subject}: ${message}`),
      terminal,
    );
    terminal.line(`  ${code}: ${first.remedy}`);
  }
  for (const [code, ofKind] of Map.groupBy(notes, (note) => note.code)) {
    const lines = ofKind.map(({ key, message }) => `${key}: ${message}`);
    printSome(terminal.style("dim", code), lines, terminal);
  }
}

function printSome(code: string, lines: readonly string[], terminal: Terminal): void {
  for (const line of lines.slice(0, shownOfAKind)) terminal.line(`  ${code}: ${line}`);
  const more = lines.length - shownOfAKind;
  if (more > 0) terminal.line(`  ${code}: and ${more} more (see --json)`);
}
