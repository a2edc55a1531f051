import { environmentName } from "../../src/app/settings/environment.ts";
import type { Option } from "../../src/app/settings/option.ts";
import {
  type SettingName,
  settingGroups,
  settingNames,
  settingTable,
} from "../../src/app/settings/table.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { sentence, wrapped } from "../generated-page.ts";

const groupHeadings: Readonly<Record<keyof typeof settingGroups, string>> = {
  store: "The store",
  source: "The node",
  key: "The key",
  alerts: "Alerts",
};

const grouped = Object.values<readonly SettingName[]>(settingGroups).flat();

/** The sections of the page. `isGroup`: commands take it as a whole. */
export const settingSections: readonly {
  readonly heading: string;
  readonly names: readonly SettingName[];
  readonly isGroup: boolean;
}[] = [
  ...Object.entries<readonly SettingName[]>(settingGroups).map(([group, names]) => ({
    heading: groupHeadings[group as keyof typeof settingGroups],
    names,
    isGroup: true,
  })),
  {
    heading: "Mirroring, watching and the rest",
    names: settingNames.filter((name) => !grouped.includes(name)),
    isGroup: false,
  },
];

export function settingsPage(): string {
  const sections = settingSections.map(({ heading, names }) =>
    [`## ${heading}`, ...names.map(section)].join("\n\n"),
  );
  return `${[introduction, ...sections].join("\n\n")}\n`;
}

const introduction = `# Settings

Each setting has one name and several places. A flag beats the environment, which beats the file.

| place | form |
|---|---|
| flag | \`--max-age 36h\` |
| environment | \`SCB_MIRROR_MAX_AGE=36h\` |
| environment, from a file | \`SCB_MIRROR_MAX_AGE_FILE=/run/secrets/max-age\`: the file holds the value, and white space around it doesn't count. Every setting has this form |
| YAML, with \`--config FILE\` | \`max-age: 36h\` |
| YAML, from a file | \`max-age-file: /etc/scb-mirror/max-age\`, as in the environment |

A switch is \`true\` or \`false\` in the environment and in YAML. A setting that takes several values is given
again as a flag, has white space between them in the environment, and is a list in YAML. A duration is a
number with \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`. An unknown name in the environment (with \`SCB_MIRROR_\`) or in YAML is
an error, and so is a setting that stands both by itself and as a file in one of them.

In the environment and in YAML every command accepts every setting, and uses those that it knows.

This page is made from the code: \`npm run generate:reference\`.`;

function section(name: SettingName): string {
  const option: Option = settingTable[name];
  const { placeholder, help, default: text, defaultNote, repeats, isSecret } = option;
  const value = placeholder === null ? "" : ` ${placeholder.toUpperCase()}`;
  const fallback = defaultNote ?? (text === undefined ? "none" : `\`${text}\``);
  const environment = environmentName(name);
  const yaml = name === "config" ? "not in YAML" : `YAML \`${name}\`, \`${name}-file\``;
  const users = definitions
    .filter(({ settings }) => settings.includes(name))
    .map((command) => `\`${command.name}\``);
  return [
    `### ${name}`,
    `\`--${name}${value}\``,
    wrapped(
      [
        sentence(help).replaceAll(/docs\/(\w+\.md)/g, "[$1](../$1)"),
        ...(repeats === true ? ["It takes several values."] : []),
        ...(isSecret === true
          ? ["It holds a secret: give it in a file, where other users can't see it."]
          : []),
      ].join(" "),
    ),
    wrapped(
      `Default: ${fallback}. Environment: \`${environment}\`, \`${environment}_FILE\`; ${yaml}. Commands: ${users.join(", ")}.`,
    ),
  ].join("\n\n");
}
