import { homedir } from "node:os";
import { basename, join } from "node:path";
import { storeNames } from "../../app/destination.ts";
import { environmentName } from "../../app/settings/environment.ts";
import type { Settings } from "../../app/settings.ts";
import type { DoctorReport } from "../../checks/doctor/doctor.ts";
import { bakeMacaroonCommandTo } from "../../node/lnd/lnd-calls.ts";
import { shellQuote } from "../../runtime/shell-quote.ts";
import { parseLocation } from "../../store/parse-location.ts";
import type { LeastRights } from "../../store/store-kind.ts";
import { kindOf } from "../../store/store-kinds.ts";
import type { Terminal } from "../terminal.ts";
import type { Entries } from "./entries.ts";

/** What is left for the person to do. */
export interface NextSteps {
  /** The command that makes the macaroon; null if the one that is there is right, or lnd isn't asked. */
  readonly bake: string | null;
  /** What each store's credential has to be allowed. */
  readonly rights: readonly ({ readonly store: string } & LeastRights)[];
  /** Commands to type. */
  readonly next: readonly string[];
  /** What makes a service of it, for a root shell; empty if that is not that simple. */
  readonly service: readonly string[];
}

interface Configured {
  readonly entries: Entries;
  readonly settings: Settings;
  readonly report: DoctorReport;
  /** The configuration file. */
  readonly path: string;
}

export function nextSteps({ entries, settings, report, path }: Configured): NextSteps {
  const names = storeNames(settings);
  const config = `--config ${shellQuote(path)}`;
  return {
    bake: bakeCommand(entries, settings, report),
    rights: (settings.to ?? []).map((to, index) => {
      const location = parseLocation(to);
      const rights = kindOf(location).leastRights(location, report.node ?? "NODE");
      return { store: names[index] ?? "", ...rights };
    }),
    next: [
      ...(report.ok ? [] : [`scb-mirror doctor ${config}`]),
      `scb-mirror run ${config}`,
      `scb-mirror status ${config}`,
    ],
    service: serviceLines(entries),
  };
}

/** lnd's own macaroons, which are never to be written over. */
const ownMacaroon =
  /^(?:admin|readonly|invoices?|router|signer|walletkit|chainnotifier)\.macaroon$/;

function bakeCommand(
  entries: Entries,
  { network = "mainnet" }: Settings,
  { checks }: DoctorReport,
): string | null {
  if (entries.get("from") !== "lnd") return null;
  const ofMacaroon = checks.filter(({ name }) => name.startsWith("macaroon-"));
  if (ofMacaroon.length > 0 && ofMacaroon.every(({ level }) => level === "good")) return null;
  const given = entries.get("macaroonpath");
  const isOurs = given?.endsWith(".macaroon") === true && !ownMacaroon.test(basename(given));
  return bakeMacaroonCommandTo(isOurs ? given : join(homedir(), "scb-mirror.macaroon"), network);
}

/** The unit of infra/systemd, with certificate and macaroon in their places. */
function serviceLines(entries: Entries): string[] {
  const [certificate, macaroon] = [entries.get("tlscertpath"), entries.get("macaroonpath")];
  if (certificate === undefined || certificate === "system" || macaroon === undefined) return [];
  const elsewhere: readonly string[] = ["from", "tlscertpath", "macaroonpath"];
  const settings = [...entries].filter(([name]) => !elsewhere.includes(name));
  // The service may read no file of a person's: each would have to be handed to it.
  if (settings.some(([name]) => name.endsWith("-file"))) return [];
  return [
    `ln -sfn ${shellQuote(certificate)} /etc/scb-mirror/tls.cert`,
    `install -m 600 ${shellQuote(macaroon)} /etc/scb-mirror/scb.macaroon`,
    "cat >> /etc/scb-mirror/environment <<'END'",
    ...settings.map(([name, text]) => `${environmentName(name)}=${text}`),
    "END",
    "systemctl enable --now scb-mirror",
  ];
}

export function printNextSteps(
  { bake, rights, next, service }: NextSteps,
  report: DoctorReport,
  path: string,
  terminal: Terminal,
): void {
  const title = (text: string): void => {
    terminal.line("");
    terminal.line(terminal.style("bold", text));
  };
  if (bake !== null) {
    title("The macaroon: bake one that reads backups and channels, and spends nothing");
    terminal.line(bake);
  }
  for (const { store, advice, policy } of rights) {
    title(`What ${store} has to allow`);
    for (const sentence of advice) terminal.line(sentence);
    if (policy === null) continue;
    terminal.line(`${policy.title}:`);
    for (const line of policy.text.split("\n")) terminal.line(line);
  }
  const isUnnamed = rights.some(({ policy }) => policy?.text.includes("NODE") === true);
  if (isUnnamed && report.node === null) {
    terminal.line("(NODE is the node's public key: lncli getinfo shows it as identity_pubkey.)");
  }
  title(`Written: ${path}`);
  terminal.line(
    report.ok
      ? "It was read back and tried. Next:"
      : "It was read back. Mend what doctor calls a PROBLEM. Next:",
  );
  for (const command of next) terminal.line(`  ${command}`);
  if (service.length === 0) {
    terminal.line("infra/README.md says how to make a service of it.");
    return;
  }
  terminal.line("As a service of the Debian package, or with the unit of infra/systemd, as root:");
  for (const line of service) terminal.line(`  ${line}`);
}
