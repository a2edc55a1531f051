import type { Option } from "../../app/settings/option.ts";
import { settingTable } from "../../app/settings/table.ts";
import type { Definition } from "../definition.ts";

/** What a value may be. */
export type CompletedValue =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "path" }
  /** Any text. */
  | { readonly kind: "any" };

export interface CompletedFlag {
  /** Without dashes. */
  readonly name: string;
  readonly short: string | undefined;
  /** One line. */
  readonly help: string;
  /** What stands for the value in help; null for a switch. */
  readonly placeholder: string | null;
  readonly value: CompletedValue;
}

/** What completion has to know about a command. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  readonly arguments: readonly CompletedFlag[];
}

const paths: readonly (string | null)[] = ["file", "path"];

export function completed(definition: Definition): CompletedCommand {
  const { name, summary, description, settings, options } = definition;
  const own = Object.entries(options);
  const isArgument = ([, { argument }]: readonly [string, Option]): boolean =>
    argument !== undefined;
  return {
    name,
    summary: summary ?? description,
    flags: [
      ...settings.map((setting): [string, Option] => [setting, settingTable[setting]]),
      ...own.filter((entry) => !isArgument(entry)),
    ].map(completedFlag),
    arguments: own.filter(isArgument).map(completedFlag),
  };
}

function completedFlag([name, option]: readonly [string, Option]): CompletedFlag {
  const { short, help, placeholder, values } = option;
  return { name, short, help, placeholder, value: offered(placeholder, values) };
}

function offered(placeholder: string | null, words?: readonly string[]): CompletedValue {
  if (words !== undefined) return { kind: "words", words };
  return { kind: paths.includes(placeholder) ? "path" : "any" };
}
