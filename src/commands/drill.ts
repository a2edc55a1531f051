import { openKey } from "../app/key.ts";
import { runDrill } from "../checks/drill/drill.ts";
import type { DrillOptions } from "../checks/drill/drill-options.ts";
import {
  type DrilledChannel,
  type DrillReport,
  drillVerdicts,
} from "../checks/drill/drill-report.ts";
import { toldOf, type Verdict } from "../checks/finding.ts";
import type { judgeStores } from "../checks/stores-verdict.ts";
import { type Dialler, PeerDialler } from "../node/peer-dialler.ts";
import { parseVersionKey } from "../repository/layout.ts";
import { ScbError } from "../runtime/error.ts";
import type { HostAndPort } from "../runtime/host-and-port.ts";
import type { Action } from "./action.ts";
import { inEachStore, jsonOfEach, judgeEach, printEach, type StoreOutcome } from "./each-store.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeOrWithout } from "./node-store.ts";
import { escaped, formatAge, formatSize, type Terminal, table } from "./terminal.ts";

const dialTimeoutMs = 5_000;

interface DrillCommandOptions {
  readonly dial: boolean;
  readonly "tor-proxy"?: HostAndPort | undefined;
}

export const drillAction: Action<DrillCommandOptions> = async (context) => {
  const { terminal, json } = context;
  const opened = diallerOf(context.options, context.settings.socksproxy);
  const dialler: Dialler | undefined = opened && {
    dial: (address, signal) => {
      terminal.progress({ what: "dialling the peers" });
      return opened.dial(address, signal);
    },
  };
  const key = await openKey(context);
  const { node, reports } = await withNodeOrWithout(context, async (stores, nodeFailure) => ({
    node: stores[0].node,
    reports: await inEachStore(stores, ({ node: name, store, witness, pubkey }) => {
      const options: DrillOptions = {
        store,
        node: name,
        encrypter: key?.encrypter,
        identityPubkey: key?.identityPubkey,
        witness,
        pubkey,
        nodeFailure,
        dialler,
        maxAgeMs: context.settings["max-age"],
        clock: context.clock,
        random: context.random,
        signal: context.signal,
      };
      return runDrill(options);
    }),
  }));
  const together = judgeEach(
    reports,
    ({ verdict, findings }) => ({ verdict: judgedAs[verdict], findings }),
    context.settings.require,
  );
  if (json) terminal.json(toJson(node, reports, together));
  else {
    printEach(reports, terminal, (report) => printDrill(report, terminal));
    if (reports.length > 1) {
      terminal.line("");
      terminal.line(
        `${node}, all stores together: ${verdictText(drillVerdicts[together.verdict], terminal)}`,
      );
    }
  }
  return together.verdict === "safe" ? exitCodes.done : exitCodes.problemFound;
};

const judgedAs: Readonly<Record<DrillReport["verdict"], Verdict>> = {
  "would-restore": "safe",
  "would-not-restore": "unsafe",
  unknown: "unknown",
};

/** With several stores, each has its own facts; only the verdict is about all. */
function toJson(
  node: string,
  reports: readonly StoreOutcome<DrillReport>[],
  { verdict, findings }: ReturnType<typeof judgeStores>,
): object {
  const facts = jsonOfEach(node, reports, (report) => report);
  const ofLevel = (isWarning: boolean): object[] =>
    findings
      .filter(({ level }) => (level === "warning") === isWarning)
      .map((finding) => ({ ...toldOf(finding), store: finding.store }));
  const told = { problems: ofLevel(false), warnings: ofLevel(true) };
  const ok = verdict === "safe";
  return { ...facts, ok, verdict: drillVerdicts[verdict], findings, ...told };
}

function diallerOf(
  { dial, "tor-proxy": torProxy }: DrillCommandOptions,
  socksProxy: HostAndPort | undefined,
): PeerDialler | undefined {
  if (dial) {
    return new PeerDialler({ timeoutMs: dialTimeoutMs, torProxy: torProxy ?? socksProxy ?? null });
  }
  if (torProxy !== undefined) throw new ScbError("usage", "--tor-proxy needs --dial");
  return undefined;
}

function verdictText(verdict: DrillReport["verdict"], terminal: Terminal): string {
  return {
    "would-restore": terminal.style("green", "a restore would work"),
    "would-not-restore": terminal.style("red", "a restore would NOT work as it should"),
    unknown: terminal.style("yellow", "NOT known whether a restore would work"),
  }[verdict];
}

function printDrill(report: DrillReport, terminal: Terminal): void {
  const { node, verdict, version, counts, channels, findings, notChecked } = report;
  terminal.line(`${terminal.style("bold", node)}: ${verdictText(verdict, terminal)}`);
  for (const { code, level, message, remedy } of findings) {
    const style = level === "problem" ? "red" : "yellow";
    terminal.line(`  ${terminal.style(style, code)}: ${message}: ${remedy}`);
  }
  if (version !== null) {
    const { sequence, key, sizeBytes, ageSeconds } = version;
    terminal.line(
      `  fetched sequence ${sequence}, ${key}: ${formatSize(sizeBytes)}, ${ageSeconds === null ? "saved at a time in the future" : `saved ${formatAge(ageSeconds)} ago`}`,
    );
    for (const { key, channelPoints } of report.also) {
      const count = channelPoints.length || "some";
      terminal.line(
        `  a restore also uses sequence ${sequenceOf(key)}, ${key}, for the funds of ${count} closed channels`,
      );
    }
    terminal.line(`  ${openedText(report)}`);
  }
  if (channels.length > 0) {
    terminal.line("");
    for (const line of table([header, ...channels.map(row)])) terminal.line(line);
    terminal.line("");
    printDials(channels, terminal);
    if (counts.comesBackSat !== null) {
      terminal.line(
        `${counts.comesBackSat} sat would come back, less the fees for sweeping them, some blocks after each peer has closed its channel (lnd waits for 3 to 6 confirmations).`,
      );
    }
    printLimbo(counts, terminal);
  }
  for (const what of notChecked) terminal.line(terminal.style("dim", `not checked: ${what}`));
  if (report.recordedAs !== null)
    terminal.line(terminal.style("dim", `recorded as ${report.recordedAs}`));
}

/** lnd no longer exports closing channels, so the current version may not bring their funds back. */
function printLimbo({ limboSat, lostLimboSat }: DrillReport["counts"], terminal: Terminal): void {
  if (limboSat === null || limboSat === 0) return;
  if (lostLimboSat === null || lostLimboSat === 0) {
    const fate =
      lostLimboSat === null ? "NOT known whether a restore would bring them back" : "included";
    terminal.line(`${limboSat} sat of closing channels haven't reached the wallet yet: ${fate}.`);
    return;
  }
  const lost = `${lostLimboSat} of ${limboSat} sat of closing channels would be LOST with the node`;
  terminal.line(terminal.style("red", `${lost}: nothing in the store would bring them back.`));
}

function openedText({ opened, counts }: DrillReport): string {
  const hash = opened.hash === true ? "size and hash are right" : "its hash was never recorded";
  const openers = [
    ...(opened.key === true ? ["your key"] : []),
    ...(opened.lnd === true ? ["the node"] : []),
  ];
  if (openers.length === 0) return `${hash}; nothing has opened it`;
  return `${hash}; ${openers.join(" and ")} can open it: ${counts.inBackup} channels`;
}

const header = [
  "CHANNEL POINT",
  "STATE",
  "BACKUP",
  "SAT BACK",
  "AFTER",
  "PEER",
  "NOW",
  "ADDRESSES",
];

function row(channel: DrilledChannel): string[] {
  const { channelPoint, state, comesBackSat, peer, connected, reach } = channel;
  const holder = holderOf(channel);
  const sat = comesBackSat === null ? "?" : String(comesBackSat);
  return [
    channelPoint,
    state ?? "?",
    holder,
    holder === "MISSING" ? `0 of ${sat}` : sat,
    after(channel),
    peer === null ? "?" : shortPeer(peer),
    connected === null ? "?" : connected ? "connected" : "offline",
    reach === "must-come" ? "none: it has to dial in" : reach,
  ];
}

/** Which of the versions that a restore would use holds the channel. */
function holderOf({ state, inBackup, inAlso }: DrilledChannel): string {
  if (inBackup === true) return "yes";
  if (inAlso !== null) return `sequence ${sequenceOf(inAlso)}`;
  if (inBackup === null) return "?";
  return state === "closed" ? "no" : "MISSING";
}

function sequenceOf(key: string): number | string {
  return parseVersionKey(key)?.sequence ?? key;
}

/** When the closing transaction's payment can be spent. */
function after({ delayBlocks, notBeforeHeight, maturityHeight }: DrilledChannel): string {
  if (maturityHeight !== null) return `block ${maturityHeight}`;
  if (notBeforeHeight !== null) return `block ${notBeforeHeight}`;
  if (delayBlocks === null) return "?";
  return delayBlocks === 0 ? "its close" : `its close + ${delayBlocks}`;
}

/** Prints each dialled address once for each peer. */
function printDials(channels: readonly DrilledChannel[], terminal: Terminal): void {
  const rows = new Map<string, string[]>();
  for (const { peer, addresses } of channels) {
    for (const { address, dial } of addresses) {
      if (peer === null || dial === null) continue;
      const result = dial.reason === null ? dial.outcome : `${dial.outcome}: ${dial.reason}`;
      rows.set(`${peer} ${address}`, [shortPeer(peer), escaped(address), escaped(result)]);
    }
  }
  if (rows.size === 0) return;
  for (const line of table([...rows.values()])) terminal.line(line);
  terminal.line("");
}

function shortPeer(pubkey: string): string {
  return `${pubkey.slice(0, 16)}…`;
}
