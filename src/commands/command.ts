import { Argument, type Command, Option as Flag } from "commander";
import type { Given, Option, OptionWords } from "../app/settings/option.ts";
import { settingTable } from "../app/settings/table.ts";
import { systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { systemRandom } from "../runtime/random.ts";
import type { ActionContext } from "./action.ts";
import type { Definition } from "./definition.ts";
import { type ExitCode, exitCodeHelp } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** What the program is run with. */
export interface ProgramHost {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly exit: (code: ExitCode) => void;
}

/** Adds the command that a definition describes: its flags, its help and its action. */
export function addCommand(program: Command, definition: Definition, host: ProgramHost): void {
  const { name, summary, description, settings, options, examples, exitCodes } = definition;
  const command = program.command(name).description(description).allowExcessArguments(false);
  if (summary !== undefined) command.summary(summary);
  const given = new Map<string, Given>();
  for (const setting of settings) addFlag(command, setting, settingTable[setting], given);
  for (const [own, option] of Object.entries(options)) {
    if (option.argument === undefined) addFlag(command, own, option, given);
    else addArgument(command, own, option, given);
  }
  const lines = examples.map((example) => `  $ scb-mirror ${example}`);
  command
    .addHelpText("after", `\nExamples:\n${lines.join("\n")}\n${exitCodeHelp(exitCodes)}`)
    .action(async () => {
      try {
        host.exit(await definition.run(await contextOf(definition, given, host), given));
      } finally {
        host.terminal.progress(null);
      }
    });
}

function addFlag(command: Command, name: string, option: Option, given: Map<string, Given>): void {
  const { short, placeholder, repeats } = option;
  const long = `--${name}${placeholder === null ? "" : ` <${placeholder}>`}`;
  const flag = new Flag(short === undefined ? long : `-${short}, ${long}`, helpOf(option));
  // commander gives a switch no text, whatever its types say.
  const take = (text: string | undefined): string => {
    // Taking the last value, as is common, would silently drop the first, for example a second store.
    const before = given.get(name);
    if (text !== undefined && before !== undefined && repeats !== true) {
      throw new ScbError("usage", `--${name} is given twice, but takes only one value`);
    }
    const all = text === undefined ? "true" : joined(before?.text, text);
    given.set(name, { text: all, origin: `--${name}` });
    return text ?? "";
  };
  command.addOption(flag.argParser(take));
}

/** An empty value is an error even among others. */
function joined(before: string | undefined, text: string): string {
  if (before === undefined) return text;
  return before === "" || text === "" ? "" : `${before} ${text}`;
}

function addArgument(
  command: Command,
  name: string,
  option: Option,
  given: Map<string, Given>,
): void {
  const { argument, placeholder } = option;
  const form = argument === "required" ? `<${placeholder}>` : `[${placeholder}]`;
  const taking = new Argument(form, helpOf(option)).argParser((text: string) => {
    given.set(name, { text, origin: form });
    return text;
  });
  command.addArgument(taking);
}

/** What help and manual pages say about an option. */
export function helpOf(option: OptionWords): string {
  const { help, placeholder } = option;
  const fallback = option.defaultNote ?? (placeholder === null ? undefined : option.default);
  return fallback === undefined ? help : `${help} (default: ${fallback})`;
}

async function contextOf(
  { settings: taken, doing, makesConfig }: Definition,
  given: ReadonlyMap<string, Given>,
  host: ProgramHost,
): Promise<Omit<ActionContext, "options">> {
  const { signal } = host;
  const noConfig = { SCB_MIRROR_CONFIG: undefined, SCB_MIRROR_CONFIG_FILE: undefined };
  const environment = { ...host.environment, ...(makesConfig === true ? noConfig : {}) };
  // Loaded only now, so that help and usage errors appear at once.
  const [{ loadSettings }, { createLogger }] = await Promise.all([
    import("../app/settings.ts"),
    import("../runtime/logger.ts"),
  ]);
  const flags = Object.fromEntries([...given].map(([name, { text }]) => [name, text]));
  const named = Object.entries(flags).filter(([name]) => taken.some((setting) => setting === name));
  const warnings: string[] = [];
  const settings = loadSettings(Object.fromEntries(named), environment, (warning) =>
    warnings.push(warning),
  );
  // At a terminal, the command's own lines say what happens; a log would only repeat them.
  const defaultLevel = process.stderr.isTTY === true ? "error" : "warn";
  const json = given.has("json");
  // A program reads the document: nobody waits at the screen.
  const isForProgram = json && process.stdout.isTTY !== true;
  const terminal = isForProgram ? { ...host.terminal, progress: () => undefined } : host.terminal;
  const logger = createLogger(settings["log-level"] ?? defaultLevel, terminal.makeWay);
  for (const warning of warnings) logger.warn({}, warning);
  const begin = (): void => terminal.progress(doing === undefined ? null : { what: doing });
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    terminal.progress(null);
    const answer = await ask();
    begin();
    return answer;
  };
  begin();
  return {
    settings,
    flags,
    json,
    terminal,
    logger,
    clock: systemClock,
    random: systemRandom,
    signal,
    ...(process.stdin.isTTY && process.stderr.isTTY
      ? {
          askPassphrase: () => asking(askPassphrase),
          confirm: (question: string) => asking(() => askYesNo(question)),
        }
      : { askPassphrase: undefined, confirm: undefined }),
  };
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

/** Resolves to false if the person cancels. */
async function askYesNo(question: string): Promise<boolean> {
  const { confirm } = await import("@clack/prompts");
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  return answer === true;
}
