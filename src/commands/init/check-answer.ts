import { type Option, readGiven } from "../../app/settings/option.ts";
import { type SettingName, settingTable } from "../../app/settings/table.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Check } from "./dialogue.ts";

/** Checks an answer as the flag of the same name is checked. */
export function checkSetting(name: SettingName): Check {
  const option: Option = settingTable[name];
  return (text) => problemOf(() => readGiven(option, { text, origin: name }));
}

/** What `read` throws, in words; undefined if it doesn't. */
export function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return ScbError.from(error).message;
  }
}
