/** Makes the manual pages from the definitions of the commands: `scb-mirror(1)`, and one for each command. */
import { environmentName } from "../src/app/settings/environment.ts";
import type { Option } from "../src/app/settings/option.ts";
import { settingNames, settingTable } from "../src/app/settings/table.ts";
import { helpOf } from "../src/commands/command.ts";
import type { Definition } from "../src/commands/definition.ts";
import { definitions } from "../src/commands/definitions.ts";
import { exitCodeEntries } from "../src/commands/exit-code.ts";
import { programVersion } from "../src/runtime/version.ts";

/** The pages' texts by file name. `date` is a day, such as 2026-11-30. */
export function manPages(date: string): ReadonlyMap<string, string> {
  const pages = definitions.map((definition): [string, string] => [
    `scb-mirror-${definition.name}.1`,
    commandPage(definition, date),
  ]);
  return new Map([["scb-mirror.1", programPage(date)], ...pages]);
}

function programPage(date: string): string {
  return page(
    header("SCB-MIRROR", date),
    section("NAME"),
    "scb-mirror \\- keep an offsite copy of a Lightning node's channel backup",
    section("SYNOPSIS"),
    "\\fBscb-mirror\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]",
    section("DESCRIPTION"),
    escaped(
      "scb-mirror keeps an offsite copy of an lnd node's channel.backup that is always current. " +
        "Each command has a page of its own, as in man scb-mirror-restore.",
    ),
    section("COMMANDS"),
    ...definitions.flatMap(({ name, summary, description }) =>
      entry(`\\fBscb-mirror-${escaped(name)}\\fR(1)`, lowered(summary ?? description)),
    ),
    section("SETTINGS"),
    escaped(
      "Each setting is a flag of the commands that use it, a variable of the environment, and a name in the " +
        "YAML file that --config names. Flags beat the environment, which beats the file. " +
        "A variable with _FILE at the end of its name gives a file that holds the value.",
    ),
    ...settingNames.flatMap((name) =>
      entry(`\\fB${escaped(environmentName(name))}\\fR`, helpOf(settingTable[name])),
    ),
    exitStatus(),
    section("FILES"),
    ...entry(
      "\\fI/etc/scb-mirror/\\fR",
      "What the service of the Debian package reads: environment, scb.macaroon, tls.cert and aws-credentials.",
    ),
    section("SEE ALSO"),
    definitions.map(({ name }) => `\\fBscb-mirror-${escaped(name)}\\fR(1)`).join(",\n"),
  );
}

function commandPage(definition: Definition, date: string): string {
  const { name, summary, description, settings, options, examples } = definition;
  const own = Object.entries<Option>(options);
  const taken = own.filter(([, { argument }]) => argument !== undefined);
  const flags: [string, Option][] = [
    ...settings.map((setting): [string, Option] => [setting, settingTable[setting]]),
    ...own.filter(([, { argument }]) => argument === undefined),
  ];
  const forms = taken.map(([, { argument, placeholder }]) => {
    const place = `\\fI${escaped((placeholder ?? "").toUpperCase())}\\fR`;
    return argument === "required" ? place : `[${place}]`;
  });
  return page(
    header(`SCB-MIRROR-${name.toUpperCase()}`, date),
    section("NAME"),
    `scb-mirror-${escaped(name)} \\- ${escaped(lowered(summary ?? description))}`,
    section("SYNOPSIS"),
    [`\\fBscb-mirror ${escaped(name)}\\fR`, "[\\fIoptions\\fR]", ...forms].join(" "),
    section("DESCRIPTION"),
    escaped(`${description.replace(/[.]$/, "")}.`),
    ...(taken.length === 0 ? [] : [section("ARGUMENTS")]),
    ...taken.flatMap(([, option]) =>
      entry(`\\fI${escaped((option.placeholder ?? "").toUpperCase())}\\fR`, helpOf(option)),
    ),
    section("OPTIONS"),
    ...flags.flatMap(([flag, option]) => entry(flagForm(flag, option), helpOf(option))),
    section("EXAMPLES"),
    ...examples.flatMap((example) => [".PP", ".nf", escaped(`scb-mirror ${example}`), ".fi"]),
    exitStatus(definition.exitCodes),
    section("SEE ALSO"),
    "\\fBscb-mirror\\fR(1)",
  );
}

function flagForm(name: string, { short, placeholder }: Option): string {
  const long = `\\fB${escaped(`--${name}`)}\\fR`;
  const value = placeholder === null ? "" : ` \\fI${escaped(placeholder.toUpperCase())}\\fR`;
  return short === undefined ? `${long}${value}` : `\\fB\\-${short}\\fR, ${long}${value}`;
}

function header(title: string, date: string): string {
  // No hyphenation: people type commands and file names exactly as printed.
  return `.TH ${title} 1 ${date} "scb-mirror ${programVersion}" "scb-mirror"\n.nh\n.ad l`;
}

function exitStatus(own?: Definition["exitCodes"]): string {
  const entries = exitCodeEntries(own).flatMap(([code, meaning]) =>
    entry(`\\fB${code}\\fR`, sentence(meaning)),
  );
  return [section("EXIT STATUS"), ...entries].join("\n");
}

function section(title: string): string {
  return `.SH ${title}`;
}

function entry(term: string, text: string): string[] {
  return [".TP", term, escaped(text)];
}

function page(...lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

function sentence(fragment: string): string {
  return `${fragment.charAt(0).toUpperCase()}${fragment.slice(1)}.`;
}

/** Command lists, and the line after a page's name, aren't sentences. */
function lowered(text: string): string {
  return (text.charAt(0).toLowerCase() + text.slice(1)).replace(/[.]$/, "");
}

/** Escapes text for roff, where a line that begins with a dot or a quote would be a request. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "\\[u2026]")
    .replaceAll(/^(?=[.'])/gm, "\\&");
}
