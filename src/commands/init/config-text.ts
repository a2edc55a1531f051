import { stringify } from "yaml";
import { fileEnding } from "../../app/settings/config-file.ts";
import type { Option } from "../../app/settings/option.ts";
import { type SettingName, settingGroups, settingTable } from "../../app/settings/table.ts";
import type { Entries } from "./entries.ts";

const widthOfLine = 100;

const sections: readonly (readonly [title: string, names: readonly SettingName[]])[] = [
  ["The node", settingGroups.source],
  ["The stores, and the node's folder in them", settingGroups.store],
  ["What can read backups", settingGroups.key],
  ["Who is told when something is wrong", settingGroups.alerts],
];

/**
 * The YAML file of `--config`: each of `names` with what it means, those in `entries` with their value, the
 * others commented out with their default.
 */
export function configText(entries: Entries, names: readonly SettingName[], path: string): string {
  const known = names.filter((name) => name !== "config");
  const placed = sections.flatMap(([, members]) => members);
  const rest = known.filter((name) => !placed.includes(name));
  const blocks = [...sections, ["Everything else", rest] as const].map(([title, members]) =>
    [
      `# --- ${title} ---`,
      ...known.filter((name) => members.includes(name)).map((name) => block(name, entries)),
    ].join("\n\n"),
  );
  return `${[head(path), ...blocks].join("\n\n")}\n`;
}

function head(path: string): string {
  return comment(
    `Settings of scb-mirror, made by scb-mirror init. Use them with scb-mirror run --config ${path}, and with each other command. Flags and SCB_MIRROR_… variables come before what stands here. No secret is in this file: a name with ${fileEnding} at its end gives a file that holds the value.`,
  );
}

function block(name: SettingName, entries: Entries): string {
  const option: Option = settingTable[name];
  const { help, placeholder, isSecret, default: fallback } = option;
  const written = isSecret === true ? `${name}${fileEnding}` : name;
  const value = [...entries].find(([given]) => given === written)?.[1];
  // A default that stands below needs no words.
  const note = option.defaultNote ?? (value === undefined ? undefined : fallback);
  const ofFile = isSecret === true ? "In the file: " : "";
  const explained = comment(`${ofFile}${help}${note === undefined ? "" : ` (default: ${note})`}`);
  if (value !== undefined) return `${explained}\n${lineOf(written, value, option)}`;
  const example = isSecret === true ? "PATH" : (fallback ?? placeholder?.toUpperCase());
  return `${explained}\n#${written}: ${example}`;
}

function lineOf(name: string, value: string, { repeats, isSecret }: Option): string {
  const isList = repeats === true && isSecret !== true && /\s/.test(value.trim());
  const shown = isList ? value.trim().split(/\s+/) : value;
  // As the program reads it: no text needs quotes to be one.
  return stringify({ [name]: shown }, { lineWidth: 0, schema: "failsafe" }).trimEnd();
}

/** In lines that fit a screen. */
function comment(text: string): string {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > widthOfLine) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}
