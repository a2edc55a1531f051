import { type WatchNodesEvent, watchNodes } from "../app/watch-nodes.ts";
import type { NodesPage } from "../app/watch-page.ts";
import { toldOf } from "../checks/finding.ts";
import type { NodeReport } from "../monitor/monitor.ts";
import { formatHostAndPort } from "../runtime/host-and-port.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { Action, ActionContext } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export const watchAction: Action = async (context) => {
  const { terminal, json, clock } = context;
  keepHeapSmall();
  // First, so that a port that is in use is noticed before any store is asked.
  const page = await listening(context);
  try {
    await watchNodes(context, {
      round: (round) => page?.hear(round),
      progress: (done, total) => terminal.progress({ what: "looking at every node", done, total }),
      event: (event) => {
        terminal.progress(null);
        if (json) {
          const at = new Date(clock.now()).toISOString();
          terminal.json({ event: event.kind, at, ...factsOf(event) });
        } else printEvent(event, terminal, clock.now());
      },
    });
  } finally {
    await page?.close();
  }
  return exitCodes.done;
};

/** Loads the page's code only if it is needed. */
async function listening({ settings, clock, logger }: ActionContext): Promise<NodesPage | null> {
  const { listen, "listen-host": listenHosts = [], interval } = settings;
  if (listen === undefined) return null;
  const { startNodesPage } = await import("../app/watch-page.ts");
  const page = await startNodesPage({ listen, listenHosts, intervalMs: interval, clock });
  logger.info({}, `listening on http://${formatHostAndPort(page.address)}/`);
  return page;
}

function factsOf(event: WatchNodesEvent): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case "started":
      return { nodes: event.round.nodes.length, stores: event.stores };
    case "verdict": {
      const { node, verdict, findings, stores } = event.report;
      const ofEach = stores.map(({ store, verdict: own }) => ({ store, verdict: own }));
      return { node, verdict, findings, stores: ofEach };
    }
    case "retrying": {
      const { code, message } = event.error;
      return { store: event.store, code, message };
    }
    case "recovered":
      return { store: event.store };
    case "stopped":
      return {};
  }
}

function printEvent(event: WatchNodesEvent, terminal: Terminal, now: number): void {
  const time = terminal.style("dim", new Date(now).toISOString().slice(11, 19));
  terminal.line(`${time} ${describe(event, terminal)}`);
}

function describe(event: WatchNodesEvent, terminal: Terminal): string {
  switch (event.kind) {
    case "started": {
      const { length } = event.round.nodes;
      const nodes = length === 1 ? "1 node" : `${length} nodes`;
      return `${terminal.style("bold", "started")}: ${nodes} in ${event.stores.join(" and ")}`;
    }
    case "verdict":
      return `${event.report.node}: ${verdictText(event.report, terminal)}`;
    case "retrying": {
      const away = terminal.style("yellow", "doesn't answer");
      return `${event.store} ${away}, so it isn't known what it holds: ${event.error.message}`;
    }
    case "recovered":
      return `${event.store} ${terminal.style("green", "answers again")}`;
    case "stopped":
      return "stopped";
  }
}

function verdictText({ verdict, findings }: NodeReport, terminal: Terminal): string {
  const texts = [...new Set(findings.map((it) => toldOf(it).message))].join("; ");
  if (verdict === "safe") {
    const but = texts === "" ? "" : ` (with warnings: ${texts})`;
    return `${terminal.style("green", "safe")}${but}`;
  }
  const word =
    verdict === "unsafe"
      ? terminal.style("red", "NOT SAFE")
      : terminal.style("yellow", "NOT KNOWN");
  return `${word}: ${texts}`;
}
