import { openKey } from "../app/key.ts";
import { inspectWith } from "../chanbackup/backup-contents.ts";
import type { StatusReport } from "../checks/status.ts";
import type { StoreStatus } from "../checks/status-json.ts";
import { checkStores, type StoresReport, statusJson } from "../checks/stores-status.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { explainingEncrypter, isNodePubkey } from "../repository/wrong-key.ts";
import type { Action, ActionContext } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeOrWithout } from "./node-store.ts";
import { formatAge, formatSize, type Terminal, table } from "./terminal.ts";
import { withinTimeout } from "./within-timeout.ts";

export const statusAction: Action<{ readonly all: boolean }> = async (context) => {
  const { terminal, json, options } = context;
  if (options.all) return (await import("./status-all.ts")).statusAllAction(context);
  // A person may have to type a passphrase, which must not count against --timeout.
  const key = await openKey(context);
  const report = await withinTimeout(context, (within) => look(within, key));
  if (json) terminal.json(statusJson(report));
  else printStatus(report, terminal);
  return report.healthy ? exitCodes.done : exitCodes.problemFound;
};

/** Each of several stores gets a share of `--timeout`, so that a slow one is still named in time. */
function look(context: ActionContext, key: LoadedKey | null): Promise<StoresReport> {
  const { settings, clock, signal } = context;
  const timeoutMs = settings.timeout;
  return withNodeOrWithout(
    context,
    async (stores, nodeFailure) => {
      const [{ node, witness, pubkey, file }] = stores;
      const encrypter = key && explainingEncrypter(key, isNodePubkey(node) ? node : null);
      return checkStores({
        stores,
        requirement: settings.require,
        node,
        clock,
        maxAgeMs: settings["max-age"],
        maxSilenceMs: settings["max-silence"],
        witness,
        pubkey,
        nodeFailure,
        encrypter: key?.encrypter,
        identityPubkey: key?.identityPubkey,
        file: file && { source: file, inspect: encrypter ? inspectWith(encrypter) : undefined },
        lookMs: timeoutMs / 2,
        secondLookMs: stores.length === 1 ? undefined : Math.min(5_000, timeoutMs / 8),
        signal,
      });
    },
    { namingMs: timeoutMs / 4 },
  );
}

const verdictStyles = {
  safe: ["green", "healthy"],
  unsafe: ["red", "NOT healthy"],
  unknown: ["yellow", "NOT known whether it is healthy"],
} as const;
const findingStyles = { problem: "red", unknown: "yellow", warning: "dim" } as const;

function printStatus(report: StoresReport, terminal: Terminal): void {
  const [style, verdict] = verdictStyles[report.verdict];
  terminal.line(`${terminal.style("bold", report.node)}: ${terminal.style(style, verdict)}`);
  const isOne = report.stores.length === 1;
  for (const { store, code, level, message, remedy } of report.findings) {
    const where = isOne ? "" : `${store}: `;
    terminal.line(`  ${terminal.style(findingStyles[level], code)}: ${where}${message}: ${remedy}`);
  }
  if (!isOne) {
    for (const line of table(report.stores.map(storeRow))) terminal.line(`  ${line}`);
  }
  const { latest, ageSeconds, lastDrill, lastRestore, lastAttestation } = report;
  if (latest === null) return;
  const age = ageSeconds === null ? "" : `${formatAge(ageSeconds)} ago `;
  const rows = [
    ["current", `sequence ${latest.sequence}, ${latest.key}`],
    ...(report.appendOnly
      ? [["", "append-only: the newest version counts as current, whoever wrote it"]]
      : []),
    ["saved", `${age}(${latest.committedAt}) by ${latest.writer}`],
    [
      "content",
      `${latest.channels ?? "unknown"} channels, ${formatSize(latest.sizeBytes)}, sha256 ${latest.sha256}`,
    ],
    ["covers", coverText(report, terminal)],
    ...limboRows(report, terminal),
    [
      "last drill",
      lastDrill === null
        ? "none yet: run scb-mirror drill to check that a restore would work"
        : `${formatAge(lastDrill.ageSeconds)} ago: ${lastDrill.verdict}`,
    ],
    ...(lastAttestation === null
      ? []
      : [
          [
            "last mirror",
            `${lastAttestation.state}, as it reported ${formatAge(lastAttestation.ageSeconds)} ago (${lastAttestation.writer})`,
          ],
        ]),
    ...(lastRestore === null
      ? []
      : [["restored", `sequence ${lastRestore.sequence ?? "unknown"} at ${lastRestore.at}`]]),
  ];
  for (const line of table(rows)) terminal.line(`  ${line}`);
  for (const what of report.notChecked) {
    terminal.line(terminal.style("dim", `  not checked: ${what}`));
  }
}

function storeRow({ store, verdict, latest, ageSeconds }: StoreStatus): string[] {
  const held = latest === null ? "nothing known" : `sequence ${latest.sequence}`;
  const age = ageSeconds === null ? "" : `saved ${formatAge(ageSeconds)} ago`;
  return [store, verdictStyles[verdict][1], held, age];
}

function coverText({ covered }: StatusReport, terminal: Terminal): string {
  if (covered === null) return "unknown: not compared with the node (give --from lnd)";
  return covered
    ? "every channel that the node has open now"
    : terminal.style("red", "NOT every channel that the node has open now");
}

/** Funds of closed channels that haven't reached the wallet, and when their time lock ends. */
function limboRows({ limbo }: StatusReport, terminal: Terminal): string[][] {
  return (limbo ?? []).map(({ channelPoint, limboSat, maturityHeight, covered }) => {
    const until = maturityHeight === null ? "" : `, locked until block ${maturityHeight}`;
    const held = covered
      ? "a restore would bring them back"
      : terminal.style("red", "NOT in the store");
    return ["in limbo", `${limboSat} sat of ${channelPoint}${until}: ${held}`];
  });
}
