import { type Given, type Options, readOptions, type ValuesOf } from "../app/settings/option.ts";
import type { SettingName } from "../app/settings/table.ts";
import { toggle } from "../app/settings/values.ts";
import type { Action, ActionContext } from "./action.ts";
import type { ExitCode } from "./exit-code.ts";

/** One command: its help, its options and its action. */
export interface Definition {
  readonly name: string;
  /** For the list of commands. Default: the description. */
  readonly summary?: string;
  readonly description: string;
  /** The settings that it takes as flags. Environment and file can set all of them. */
  readonly settings: readonly SettingName[];
  /** Its own arguments, in order, and flags. */
  readonly options: Options;
  /** It makes the configuration file, so the environment may name one that isn't there yet. */
  readonly makesConfig?: true;
  /** What progress says until the command says more: "reading the stores". */
  readonly doing?: string;
  /** Without the program's name. */
  readonly examples: readonly string[];
  /** What its exit codes mean, where that is more than `exitCodeEntries` says. */
  readonly exitCodes?: Partial<Readonly<Record<ExitCode, string>>>;
  /** Reads the options, and acts. Throws "usage". */
  readonly run: (
    context: Omit<ActionContext, "options">,
    given: ReadonlyMap<string, Given>,
  ) => Promise<ExitCode>;
}

/** Adds `--json`, and ties the action to its options: the action's type says which ones it reads. */
export function defineCommand<O extends Options>(
  words: Omit<Definition, "run" | "options"> & {
    readonly options: O;
    /** Loads its code only when it runs, so that help and usage errors appear at once. */
    readonly action: Action<ValuesOf<O>>;
  },
): Definition {
  const { action, options, ...others } = words;
  return {
    ...others,
    options: { ...options, json: options["json"] ?? toggle("print one JSON document") },
    run: (context, given) => action({ ...context, options: readOptions(options, given) }),
  };
}
