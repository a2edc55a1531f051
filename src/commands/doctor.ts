import { closeAll, storesOf } from "../app/destination.ts";
import { openKey } from "../app/key.ts";
import { lndOptions } from "../app/open-lnd.ts";
import type { Settings } from "../app/settings.ts";
import { filePath, inspectWithKey } from "../app/source.ts";
import type { CheckLevel } from "../checks/doctor/checkup.ts";
import { type DoctorOptions, type DoctorReport, examine } from "../checks/doctor/doctor.ts";
import type { LoadedKey } from "../keychain/loaded-key.ts";
import { BackupFileSource } from "../node/backup-file.ts";
import { resolveLndConfig } from "../node/lnd/lnd-config.ts";
import { ScbError } from "../runtime/error.ts";
import { retryingReads } from "../store/retrying-store.ts";
import { storeForms } from "../store/store-kinds.ts";
import type { Action, ActionContext } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export const doctorAction: Action = async (context) => {
  const { terminal, json } = context;
  const report = await examineSettings(context);
  if (json) terminal.json(report);
  else printDoctorReport(report, terminal);
  return report.ok ? exitCodes.done : exitCodes.problemFound;
};

/** Examines the node and the stores that the settings name. Throws "usage" if they name neither. */
export async function examineSettings(context: ActionContext): Promise<DoctorReport> {
  const examined = examinedOf(context.settings);
  const roots = examined.hasStore ? await storesOf(context) : [];
  try {
    const stores = roots.map(({ name, store }) => ({ name, store: retryingReads(store, context) }));
    return await examine({ ...context, ...checksOf(context, examined), stores });
  } finally {
    await closeAll(roots);
  }
}

interface Examined {
  readonly hasStore: boolean;
  readonly asksLnd: boolean;
  readonly filePath: string | null;
}

/** What to check, from what is given. Throws "usage" if nothing is. */
function examinedOf(settings: Settings): Examined {
  const { from, to, "backup-file": backupFile } = settings;
  const { network: _, ...whereLndIs } = lndOptions(settings);
  const namesLnd = Object.values(whereLndIs).some((value) => value !== undefined);
  if (from === undefined && to === undefined && !namesLnd) {
    throw new ScbError(
      "usage",
      `nothing to check: give a store (--to ${storeForms()}), a node (--from lnd), or both`,
    );
  }
  const isFile = from?.startsWith("file:") === true;
  if (from !== undefined && from !== "lnd" && from !== "demo" && !isFile) {
    throw new ScbError(
      "usage",
      `--from ${JSON.stringify(from)} isn't a source: give lnd, file:PATH or demo`,
    );
  }
  return {
    hasStore: to !== undefined,
    asksLnd: from === "lnd" || (from === undefined && namesLnd),
    filePath: isFile ? filePath(from) : (backupFile ?? null),
  };
}

function checksOf(
  context: ActionContext,
  { asksLnd, filePath: path }: Examined,
): Omit<DoctorOptions, "stores" | "clock" | "random" | "signal"> {
  const { settings, terminal, clock } = context;
  return {
    nodeName: settings.node ?? null,
    key: settings["key-file"] === undefined ? null : () => loadKey(context),
    file:
      path === null
        ? null
        : (key) =>
            new BackupFileSource({
              path,
              inspect: key === null ? undefined : inspectWithKey(key, settings),
              observer: { trouble: () => undefined, recovered: () => undefined },
              clock,
            }),
    lnd: asksLnd ? () => resolveLndConfig(lndOptions(settings)) : null,
    singleWriter: settings["single-writer"],
    maxAgeMs: settings["max-age"],
    timeoutMs: settings.timeout,
    onCheck: (name) => terminal.progress({ what: `checking ${name}` }),
  };
}

async function loadKey(context: ActionContext): Promise<LoadedKey> {
  const key = await openKey(context);
  if (key === null) throw new ScbError("internal", "a key file is named, and none was read");
  return key;
}

const marks: Readonly<
  Record<CheckLevel, readonly [style: "green" | "dim" | "yellow" | "red", word: string]>
> = {
  good: ["green", "good"],
  unknown: ["dim", "unknown"],
  warning: ["yellow", "warning"],
  problem: ["red", "PROBLEM"],
};

export function printDoctorReport({ ok, checks }: DoctorReport, terminal: Terminal): void {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const isOne = new Set(checks.flatMap(({ store }) => store ?? [])).size < 2;
  let before: string | undefined;
  for (const { name, level, message, store } of checks) {
    if (store !== before && !isOne) {
      terminal.line(terminal.style("bold", store ?? "all stores together"));
    }
    before = store;
    const [style, word] = marks[level];
    terminal.line(`${terminal.style(style, word.padEnd(7))}  ${name.padEnd(width)}  ${message}`);
  }
  const count = (level: CheckLevel): number =>
    checks.filter((check) => check.level === level).length;
  const rest = `warnings: ${count("warning")}, not known: ${count("unknown")}`;
  terminal.line(
    ok
      ? `${terminal.style("green", "no problem found")} (${rest})`
      : `${terminal.style("red", `problems: ${count("problem")}`)} (${rest})`,
  );
}
