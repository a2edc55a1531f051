import { parse, YAMLParseError } from "yaml";
import { ScbError } from "../../runtime/error.ts";
import { mayBeSecret } from "../../runtime/secret-text.ts";
import { readSmallFile } from "../../runtime/small-file.ts";
import type { Given, Option } from "./option.ts";
import { type SettingName, settingNames, settingTable } from "./table.ts";
import { type ReadText, valueOfFile } from "./value-file.ts";

/** Suffix of a name whose value is a file that holds the setting's value: `notify-file`. */
export const fileEnding = "-file";

export interface ConfigReading {
  /** Settings given elsewhere. A file that holds the value of one of these isn't read. */
  readonly without?: ReadonlySet<string>;
  /** Reads a file that holds a value. */
  readonly readText?: ReadText;
}

/**
 * Reads the settings of a YAML file. Throws "usage" if the file can't be read or names an unknown
 * setting.
 */
export function readConfigFile(
  path: string,
  reading: ConfigReading = {},
): ReadonlyMap<SettingName, Given> {
  let text: string;
  try {
    text = readSmallFile(path);
  } catch (error) {
    throw unreadable(path, ScbError.from(error).message, error);
  }
  return readConfig(text, path, reading);
}

/** Reads the settings from the text of a YAML file, which messages call `path`. Throws "usage". */
export function readConfig(
  text: string,
  path: string,
  { without = new Set(), readText }: ConfigReading = {},
): ReadonlyMap<SettingName, Given> {
  const found = new Map<SettingName, Given>();
  for (const [key, value] of Object.entries(parsed(text, path))) {
    const origin = `${key} in ${path}`;
    const name = settingNamed(key);
    const ofFile = name === undefined ? settingOfFile(key) : undefined;
    const named = name ?? ofFile;
    if (named === undefined) throw notASetting(key, path);
    if (without.has(named)) continue;
    const written = { text: textOf(ofFile === undefined ? named : null, value, origin), origin };
    if (written.text === "") continue;
    const given = ofFile === undefined ? written : valueOfFile(written, readText);
    if (given.text === "") continue;
    const other = found.get(named);
    if (other !== undefined) {
      throw new ScbError("usage", `${other.origin} and ${origin}: remove one of them`);
    }
    found.set(named, given);
  }
  return found;
}

function settingNamed(key: string): SettingName | undefined {
  return settingNames.find((known) => known === key && known !== "config");
}

function settingOfFile(key: string): SettingName | undefined {
  return key.endsWith(fileEnding) ? settingNamed(key.slice(0, -fileEnding.length)) : undefined;
}

function notASetting(key: string, path: string): ScbError {
  const names = settingNames.filter((known) => known !== "config").join(", ");
  return new ScbError(
    "usage",
    `${mayBeSecret(key) ? "a name" : JSON.stringify(key)} in ${path} is not a setting of scb-mirror (settings: ${names}; each also with ${fileEnding})`,
  );
}

/** `name` is null for the path of a file. */
function textOf(name: SettingName | null, value: unknown, origin: string): string {
  if (typeof value === "string") return value.trim();
  const option: Option | null = name === null ? null : settingTable[name];
  const repeats = option?.repeats === true;
  const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
  if (!repeats || !isList) {
    const form = repeats ? "a value or a list of values" : "one value";
    throw new ScbError("usage", `${origin}: must be ${form}`);
  }
  return value.join(" ").trim();
}

function parsed(text: string, path: string): object {
  let value: unknown;
  try {
    // Every scalar stays text: each setting decides what 0123 and true mean.
    value = parse(text, { schema: "failsafe", logLevel: "error" }) ?? {};
  } catch (error) {
    throw unreadable(path, yamlReason(error), error);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ScbError("usage", `the configuration ${path} must be a YAML map of settings`);
}

function unreadable(path: string, reason: string, cause: unknown): ScbError {
  return new ScbError("usage", `cannot read the configuration ${path}: ${reason}`, { cause });
}

/** The parser's own message quotes the text, which may be a secret. */
function yamlReason(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return "not valid YAML";
  const [at] = error.linePos ?? [];
  const where = at === undefined ? "" : ` in line ${at.line}, column ${at.col}`;
  return `not valid YAML: ${error.code.toLowerCase().replaceAll("_", " ")}${where}`;
}
