import { readConfig, readConfigFile } from "./settings/config-file.ts";
import { type Environment, readEnvironment } from "./settings/environment.ts";
import { type Given, readGiven, readOptions } from "./settings/option.ts";
import { type Settings, settingTable } from "./settings/table.ts";
import type { ReadText } from "./settings/value-file.ts";

export type { SettingName, Settings } from "./settings/table.ts";

/**
 * Merges the settings: flags beat the environment, which beats the file, which beats the defaults.
 * `flags` are keyed by name, without dashes. `warn` receives a note on anything ignored. Throws "usage",
 * naming the setting and its origin, if a setting is unknown or its value invalid.
 */
export function loadSettings(
  flags: Readonly<Record<string, string>>,
  environment: Environment,
  warn: (message: string) => void = () => undefined,
): Settings {
  const given = new Map<string, Given>(readEnvironment(environment, warn));
  for (const [name, text] of Object.entries(flags)) given.set(name, { text, origin: `--${name}` });
  const config = given.get("config");
  const path = config === undefined ? null : readGiven(settingTable.config, config);
  const file = path === null ? [] : readConfigFile(path, { without: new Set(given.keys()) });
  return readOptions(settingTable, new Map([...file, ...given]));
}

/**
 * The settings that a YAML file with this text would give by itself, with their defaults. `readText` reads
 * the files that it names. Throws "usage", as `loadSettings`.
 */
export function settingsOfConfig(text: string, path: string, readText: ReadText): Settings {
  return readOptions(settingTable, readConfig(text, path, { readText }));
}
