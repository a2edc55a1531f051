import { openKey } from "../app/key.ts";
import { type VerifyOptions, type VerifyReport, verifyHistory } from "../checks/verify.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { Action } from "./action.ts";
import { encrypterFor } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import type { Terminal } from "./terminal.ts";

/** A terminal shows so many of a kind; the JSON has all. */
const shownOfAKind = 20;

/** The part of the history that is wanted: from a sequence on, or this long. */
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
  const { node, report } = await withNodeStore(context, async (nodeStore) => ({
    node: nodeStore.node,
    report: await verifyHistory({
      store: nodeStore.store,
      random,
      since: since === undefined ? undefined : beginningOf(since, clock.now()),
      sample,
      encrypter: await encrypterFor(nodeStore, key, signal),
      witness: nodeStore.witness,
      signal,
      onProgress: (done, total) => terminal.progress(`reading back ${done} of ${total} versions`),
    }),
  }));
  terminal.progress(null);
  if (json) {
    const { ok, checked, problems, total, openedBy, notes } = report;
    terminal.json({ ok, checked, problems, node, total, openedBy, notes });
  } else print(node, report, terminal);
  return report.ok ? exitCodes.done : exitCodes.problemFound;
};

function beginningOf(since: Since, now: number): VerifyOptions["since"] {
  return "spanMs" in since ? { savedAt: now - since.spanMs } : since;
}

function print(node: string, report: VerifyReport, terminal: Terminal): void {
  const { ok, checked, total, openedBy, problems, notes } = report;
  const verdict = ok ? terminal.style("green", "no problem") : terminal.style("red", "PROBLEMS");
  const of = checked === total ? `all ${total}` : `${checked} of ${total}`;
  terminal.line(`${terminal.style("bold", node)}: ${verdict}; ${of} versions were read back`);
  const opened = {
    key: "each was opened with your key",
    lnd: "each was opened by the node",
    null: "none was opened (give --key-file, or --from lnd, to do so)",
  }[`${openedBy}`];
  if (ok) terminal.line(`  size, hash, chain and pointer are right; ${opened}`);
  for (const [style, found] of [["red", problems] as const, ["dim", notes] as const]) {
    for (const [code, ofKind] of Map.groupBy<string, (typeof found)[number]>(
      found,
      (one) => one.code,
    )) {
      for (const { key, message } of ofKind.slice(0, shownOfAKind)) {
        terminal.line(`  ${terminal.style(style, code)}: ${key}: ${message}`);
      }
      const more = ofKind.length - shownOfAKind;
      if (more > 0)
        terminal.line(`  ${terminal.style(style, code)}: and ${more} more (see --json)`);
    }
  }
}
