import type { Option } from "../../src/app/settings/option.ts";
import type { Definition } from "../../src/commands/definition.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { exitCodeEntries } from "../../src/commands/exit-code.ts";
import { sentence, table, wrapped } from "../generated-page.ts";
import { settingSections } from "./settings.ts";

export function commandsPage(): string {
  const index = definitions.map(({ name, summary, description }) => [
    `[\`${name}\`](#${name})`,
    sentence(summary ?? description),
  ]);
  return [introduction, table(["command", "what it does"], index), ...definitions.map(section)]
    .join("\n\n")
    .concat("\n");
}

const introduction = `# Commands

\`\`\`
scb-mirror COMMAND [options]
\`\`\`

Every command has \`--help\`, and \`--json\` if it prints facts: [JSON](json.md) describes each document.
Facts go to stdout; logs, progress and errors go to stderr. [Settings](settings.md) can also stand in the
environment or in a YAML file. An option that takes one value and is given twice is an error.

This page is made from the code: \`npm run generate:reference\`.`;

function section(definition: Definition): string {
  const { name, description, options, examples, exitCodes } = definition;
  const own = Object.entries<Option>(options);
  const rows = own
    .filter(([option]) => option !== "json")
    .map(([option, words]) => [formOf(option, words), defaultOf(words), sentence(words.help)]);
  return [
    `## ${name}`,
    wrapped(sentence(description)),
    `\`\`\`\n${usageOf(definition)}\n\`\`\``,
    ...(rows.length === 0 ? [] : [table(["option", "default", "meaning"], rows)]),
    ...settingsOf(definition),
    `<!-- not run: examples that name stores, nodes and files of yours -->\n\`\`\`sh\n${examples.map((example) => `scb-mirror ${example}`).join("\n")}\n\`\`\``,
    wrapped(
      `Exit codes: ${exitCodeEntries(exitCodes)
        .map(([code, meaning]) => `**${code}** ${meaning}`)
        .join("; ")}. \`--json\`: [${name}](json.md#${name}).`,
    ),
  ].join("\n\n");
}

function usageOf({ name, options }: Definition): string {
  const forms = Object.values<Option>(options).flatMap(({ argument, placeholder }) => {
    const place = (placeholder ?? "").toUpperCase();
    if (argument === undefined) return [];
    return [argument === "required" ? place : `[${place}]`];
  });
  return ["scb-mirror", name, ...forms, "[options]"].join(" ");
}

function formOf(name: string, { argument, placeholder, short }: Option): string {
  const place = (placeholder ?? "").toUpperCase();
  if (argument !== undefined) return `\`${place}\``;
  const flags = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].join(", ");
  return `\`${`${flags} ${place}`.trim()}\``;
}

function defaultOf({ placeholder, default: text, defaultNote }: Option): string {
  return defaultNote ?? (placeholder === null || text === undefined ? "" : `\`${text}\``);
}

/** A group that a command takes as a whole is listed by its name. */
function settingsOf({ settings }: Definition): string[] {
  if (settings.length === 0) return [];
  const groups = settingSections.filter(
    ({ isGroup, names }) => isGroup && names.every((name) => settings.includes(name)),
  );
  const others = settings.filter((name) => !groups.some(({ names }) => names.includes(name)));
  const links = [
    ...groups.map(({ heading }) => `[${heading.toLowerCase()}](settings.md#${anchorOf(heading)})`),
    ...others.map((name) => `[\`--${name}\`](settings.md#${name})`),
  ];
  return [wrapped(`Settings: ${links.join(", ")}.`)];
}

function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(" ", "-");
}
