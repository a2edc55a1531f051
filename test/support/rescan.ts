import assert from "node:assert/strict";
import type { LndNode } from "../peers/lnd-node.ts";
import { answerAtTerminal } from "./pty.ts";
import { pageCommands } from "./recovery-page.ts";

/** The last rescan as the page describes it; `typeIn` runs the page's commands for this node. */
export async function rescanByPage(
  node: LndNode,
  typeIn: (commands: string) => Promise<string>,
): Promise<void> {
  await typeIn(pageCommands(/^lncli stop$/));
  await node.gone();
  const [program, ...args] = pageCommands(/^lnd --/).split(" ");
  assert.equal(program, "lnd");
  await node.start({ unlock: false, args });
  const [lncli, ...unlock] = pageCommands(/^lncli unlock/, { "2500": "100" }).split(" ");
  assert.equal(lncli, "lncli");
  const prompt = /Input wallet password:/;
  await answerAtTerminal(
    [...node.lncliCommand, ...unlock],
    [{ prompt, text: node.walletPassword }],
    { timeoutMs: 60_000 },
  );
  await node.serving();
}
