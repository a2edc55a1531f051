import { Command, CommanderError } from "commander";
import { ScbError } from "../runtime/error.ts";
import { programVersion } from "../runtime/version.ts";
import { addCommand, type ProgramHost } from "./command.ts";
import { definitions } from "./definitions.ts";
import { exitCodeHelp, exitCodeOf, exitCodes } from "./exit-code.ts";

/** Reads the arguments, runs one command, and says what became of it through `host.exit`. */
export async function runProgram(args: readonly string[], host: ProgramHost): Promise<void> {
  const program = buildProgram(host);
  try {
    await program.parseAsync([...args], { from: "user" });
    await host.terminal.flush();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return host.exit(exitCodes.done);
      const message =
        error.code === "commander.help"
          ? "no command is given"
          : error.message.replace(/^error: /, "");
      host.terminal.note(`scb-mirror: ${message} (scb-mirror --help shows what there is)`);
      return host.exit(exitCodes.usage);
    }
    const known = ScbError.from(error);
    host.terminal.progress(null);
    host.terminal.note(`scb-mirror: ${known.message}`);
    host.exit(exitCodeOf(known.code));
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
${exitCodeHelp}`,
    );

  for (const definition of definitions) addCommand(program, definition, host);
  return program;
}
