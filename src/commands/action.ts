import type { ExitCode } from "./exit-code.ts";
import type { Surroundings } from "./node-store.ts";
import type { Terminal } from "./terminal.ts";

/** What a command gets: its settings and options, where to write, and when to stop. */
export interface ActionContext<O = unknown> extends Surroundings {
  /** The command's own options and arguments, by name. */
  readonly options: O;
  /** The text of each flag that was on the command line itself, by name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Undefined if there is no terminal to ask at. */
  readonly askPassphrase: (() => Promise<string>) | undefined;
  /** Asks yes or no; undefined if there is no terminal to ask at. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** Runs a command; resolves to its exit code. `O`: the options that it reads. */
export type Action<O = unknown> = (context: ActionContext<O>) => Promise<ExitCode>;
