import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { systemRandom } from "../runtime/random.ts";
import { type ExitCode, exitCodeHelp } from "./exit-code.ts";
import type { Surroundings } from "./node-store.ts";
import { flagValues } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What a command gets: its settings, where to write, and when to stop. */
export interface ActionContext extends Surroundings {
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Undefined where there is no terminal to ask at. */
  readonly askPassphrase: (() => Promise<string>) | undefined;
  /** Asks yes or no; undefined where there is no terminal to ask at. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /** The flags that are no settings, as commander read them. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Runs a command and gives its exit code. */
export type Action = (context: ActionContext, args: readonly string[]) => Promise<ExitCode>;

/** What the whole program is run with. */
export interface ProgramHost {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly exit: (code: ExitCode) => void;
}

/** Ties an action to its command: settings, logger, examples and exit codes in its help. */
export function act(
  command: Command,
  host: ProgramHost,
  { examples, action }: { readonly examples: readonly string[]; readonly action: Action },
): void {
  const lines = examples.map((example) => `  $ scb-mirror ${example}`);
  command
    .addHelpText("after", `\nExamples:\n${lines.join("\n")}\n${exitCodeHelp}`)
    .action(async (...received: unknown[]) => {
      // Loaded only now, so that help and mistakes answer at once.
      const [{ loadSettings }, { createLogger }] = await Promise.all([
        import("../app/settings.ts"),
        import("../runtime/logger.ts"),
      ]);
      const flags = command.opts();
      const settings = loadSettings(flagValues(flags), host.environment);
      // At a terminal the command's own lines tell what happens; a log would only repeat it.
      const defaultLevel = process.stderr.isTTY === true ? "error" : "warn";
      const context: ActionContext = {
        settings,
        flags,
        json: flags["json"] === true,
        terminal: host.terminal,
        logger: createLogger(settings["log-level"] ?? defaultLevel),
        clock: systemClock,
        random: systemRandom,
        signal: host.signal,
        ...(process.stdin.isTTY && process.stderr.isTTY
          ? { askPassphrase, confirm: askYesNo }
          : { askPassphrase: undefined, confirm: undefined }),
      };
      const args = received.filter((value) => typeof value === "string");
      host.exit(await action(context, args));
    });
}

/** A flag's value, where commander took one. */
export function textFlag(context: ActionContext, name: string): string | undefined {
  const value = context.flags[name];
  if (value === undefined || typeof value === "string") return value;
  throw new ScbError("usage", `--${name} needs a value`);
}

async function askPassphrase(): Promise<string> {
  const { isCancel, password } = await import("@clack/prompts");
  const answer = await password({
    message: "Passphrase of the 24 words (empty for none)",
    output: process.stderr,
  });
  if (isCancel(answer)) throw new ScbError("aborted", "no passphrase was given");
  return answer ?? "";
}

/** No, where the person goes away instead of answering. */
async function askYesNo(question: string): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  return answer === true;
}
