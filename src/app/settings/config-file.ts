import { parse, YAMLParseError } from "yaml";
import { ScbError } from "../../runtime/error.ts";
import { mayBeSecret } from "../../runtime/secret-text.ts";
import { readSmallFile } from "../../runtime/small-file.ts";
import type { Given, Option } from "./option.ts";
import { type SettingName, settingNames, settingTable } from "./table.ts";

/** The settings of a YAML file. Throws "usage" for a file that cannot be read, and an unknown name. */
export function readConfigFile(path: string): ReadonlyMap<SettingName, Given> {
  const found = new Map<SettingName, Given>();
  for (const [key, value] of Object.entries(parsed(path))) {
    const name = settingNames.find((known) => known === key && known !== "config");
    if (name === undefined) {
      const names = settingNames.filter((known) => known !== "config").join(", ");
      throw new ScbError(
        "usage",
        `${mayBeSecret(key) ? "a name" : JSON.stringify(key)} in ${path} is no setting of scb-mirror (there are ${names})`,
      );
    }
    const origin = `${name} in ${path}`;
    const text = textOf(name, value, origin);
    if (text !== "") found.set(name, { text, origin });
  }
  return found;
}

function textOf(name: SettingName, value: unknown, origin: string): string {
  if (typeof value === "string") return value.trim();
  const option: Option = settingTable[name];
  const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
  if (option.repeats !== true || !isList) {
    const form = option.repeats === true ? "a value or a list of values" : "one value";
    throw new ScbError("usage", `${origin}: must be ${form}`);
  }
  return value.join(" ").trim();
}

function parsed(path: string): object {
  let value: unknown;
  try {
    // All scalars stay the text that stands there: 0123 and true are what the setting makes of them.
    value = parse(readSmallFile(path), { schema: "failsafe", logLevel: "error" }) ?? {};
  } catch (error) {
    const reason = error instanceof ScbError ? error.message : yamlReason(error);
    throw new ScbError("usage", `cannot read the configuration ${path}: ${reason}`, {
      cause: error,
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ScbError("usage", `the configuration ${path} must be a YAML map of settings`);
}

/** Without the parser's own words, which quote the text. */
function yamlReason(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return "not valid YAML";
  const [at] = error.linePos ?? [];
  const where = at === undefined ? "" : ` in line ${at.line}, column ${at.col}`;
  return `not valid YAML: ${error.code.toLowerCase().replaceAll("_", " ")}${where}`;
}
