import { spanMs } from "../app/duration.ts";
import { openKey } from "../app/key.ts";
import { type VerifyOptions, type VerifyReport, verifyHistory } from "../checks/verify.ts";
import { ScbError } from "../runtime/error.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import { type Action, type ActionContext, textFlag } from "./action.ts";
import { encrypterFor } from "./backup-key.ts";
import { exitCodes } from "./exit-code.ts";
import { countFlag } from "./flags.ts";
import { withNodeStore } from "./node-store.ts";
import type { Terminal } from "./terminal.ts";

/** A terminal shows so many of a kind; the JSON has all. */
const shownOfAKind = 20;

export const verifyAction: Action = async (context) => {
  keepHeapSmall();
  const { terminal, signal, json, random } = context;
  const since = sinceOf(context);
  const sample = countFlag(context, "sample") ?? undefined;
  if (sample === 0) throw new ScbError("usage", "--sample: must be 1 or more");
  const key = await openKey(context);
  const { node, report } = await withNodeStore(context, async (nodeStore) => ({
    node: nodeStore.node,
    report: await verifyHistory({
      store: nodeStore.store,
      random,
      since,
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

function sinceOf(context: ActionContext): VerifyOptions["since"] {
  const text = textFlag(context, "since");
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return { sequence: Number(text) };
  const ms = spanMs(text);
  if (ms !== null) return { savedAt: context.clock.now() - ms };
  throw new ScbError("usage", "--since: must be a sequence such as 41, or a time such as 30d");
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
