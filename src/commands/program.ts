import { Command, CommanderError } from "commander";
import { ScbError } from "../runtime/error.ts";
import { mayBeSecret } from "../runtime/secret-text.ts";
import { programVersion } from "../runtime/version.ts";
import { addCommand, type ProgramHost } from "./command.ts";
import { definitions } from "./definitions.ts";
import { exitCodeHelp, exitCodeOf, exitCodes } from "./exit-code.ts";

/** Reads the arguments, runs one command, and reports its exit code through `host.exit`. */
export async function runProgram(args: readonly string[], host: ProgramHost): Promise<void> {
  const program = buildProgram(host);
  try {
    await program.parseAsync([...args], { from: "user" });
    await host.terminal.flush();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return host.exit(exitCodes.done);
      const message = usageMessage(error, args);
      host.terminal.note(`scb-mirror: ${message} (see scb-mirror --help)`);
      return host.exit(exitCodes.usage);
    }
    const known = ScbError.from(error);
    host.terminal.note(`scb-mirror: ${known.message}`);
    host.exit(exitCodeOf(known.code));
  }
}

/** Commander's complaint, without what was given: unknown words may be a secret. */
function usageMessage({ code, message }: CommanderError, args: readonly string[]): string {
  const text = message.replace(/^error: /, "");
  switch (code) {
    case "commander.help":
      return "there is no command";
    case "commander.excessArguments":
      return text.replace(/(?<=but got \d+):.*/s, "");
    case "commander.unknownOption": {
      // `--password=VALUE` and `-pVALUE` are one word.
      const [, name = "", suggestion = ""] = /'(--[^=']*|-.).*'(.*)/s.exec(text) ?? [];
      return mayBeSecret(name) ? "unknown option" : `unknown option '${name}'${suggestion}`;
    }
    case "commander.unknownCommand":
      return mayBeSecret(args.join(" ")) ? "unknown command" : text;
    default:
      return text;
  }
}

function buildProgram(host: ProgramHost): Command {
  const program = new Command("scb-mirror")
    .description(
      "Keeps an offsite copy of an lnd node's channel.backup: always current, never wrong.",
    )
    .version(programVersion)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      `
Examples:
  $ scb-mirror run --to s3://my-bucket/lightning
  $ scb-mirror status --to s3://my-bucket/lightning
  $ scb-mirror restore --to s3://my-bucket/lightning -o channel.backup
${exitCodeHelp()}`,
    );

  for (const definition of definitions) addCommand(program, definition, host);
  return program;
}
