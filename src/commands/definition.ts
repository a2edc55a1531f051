import { type Given, type Options, readOptions, type ValuesOf } from "../app/settings/option.ts";
import type { SettingName } from "../app/settings/table.ts";
import { toggle } from "../app/settings/values.ts";
import type { Action, ActionContext } from "./action.ts";
import type { ExitCode } from "./exit-code.ts";

/** One command: what it says of itself, what it takes, and what it does. */
export interface Definition {
  readonly name: string;
  /** For the list of commands. Default: the description. */
  readonly summary?: string;
  readonly description: string;
  /** The settings that it takes as flags. Environment and file give it all of them. */
  readonly settings: readonly SettingName[];
  /** Its own arguments, in their order, and flags. */
  readonly options: Options;
  /** It makes the configuration file, so the environment may name one that isn't there yet. */
  readonly makesConfig?: true;
  /** What it does while a person waits, if that isn't said more exactly: "reading the stores". */
  readonly doing?: string;
  /** Without the program's name. */
  readonly examples: readonly string[];
  /** What its exit codes say more than `exitCodeEntries` does. */
  readonly exitCodes?: Partial<Readonly<Record<ExitCode, string>>>;
  /** Reads what was given for the options, and acts. Throws "usage". */
  readonly run: (
    context: Omit<ActionContext, "options">,
    given: ReadonlyMap<string, Given>,
  ) => Promise<ExitCode>;
}

/** Adds `--json`, and joins action and options: the action's type says which of them it reads. */
export function defineCommand<O extends Options>(
  words: Omit<Definition, "run" | "options"> & {
    readonly options: O;
    /** Loads its code only when it runs, so that help and mistakes answer at once. */
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
