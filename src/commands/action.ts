import type { ExitCode } from "./exit-code.ts";
import type { Surroundings } from "./node-store.ts";
import type { Terminal } from "./terminal.ts";

/** What a command gets: its settings and options, where to write, and when to stop. */
export interface ActionContext<O = unknown> extends Surroundings {
  /** The command's own options and arguments, by their names. */
  readonly options: O;
  /** The flags that stood on the command line itself, with their texts, by their names. */
  readonly flags: Readonly<Record<string, string>>;
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Undefined if there is no terminal to ask at. */
  readonly askPassphrase: (() => Promise<string>) | undefined;
  /** Asks yes or no; undefined if there is no terminal to ask at. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** Runs a command and gives its exit code. `O` is what it reads of its options. */
export type Action<O = unknown> = (context: ActionContext<O>) => Promise<ExitCode>;
