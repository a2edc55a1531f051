import { ScbError } from "../../runtime/error.ts";
import type { Given } from "./option.ts";
import { type SettingName, settingNames } from "./table.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = "SCB_MIRROR_";

export function environmentName(setting: string): string {
  return prefix + setting.toUpperCase().replaceAll("-", "_");
}

const settingOf: ReadonlyMap<string, SettingName> = new Map(
  settingNames.map((name) => [environmentName(name), name]),
);

/** The settings of the environment. Throws "usage" for a name that is misspelt: its default would be taken. */
export function readEnvironment(environment: Environment): ReadonlyMap<SettingName, Given> {
  const found = new Map<SettingName, Given>();
  for (const [variable, value = ""] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || value === "") continue;
    const name = settingOf.get(variable);
    if (name === undefined) {
      throw new ScbError(
        "usage",
        `the environment variable ${variable} is no setting of scb-mirror: correct or remove it (there are ${[...settingOf.keys()].join(", ")})`,
      );
    }
    found.set(name, { text: value, origin: variable });
  }
  return found;
}
