import type { CompletedCommand, CompletedFlag, CompletedValue } from "./completed.ts";

const complete = "complete -c scb-mirror";

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = [
    "# fish completion for scb-mirror, made by `scb-mirror completion fish`",
    // Offers paths only where a value is one.
    `${complete} -f`,
    `${complete} -n __fish_use_subcommand -l version -d 'show the version'`,
    `${complete} -l help -d 'show help'`,
  ];
  for (const { name, summary, flags, arguments: taken } of commands) {
    lines.push(
      `${complete} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...flags.map((flag) => flagLine(name, flag)),
      ...taken.flatMap(({ value }) => argumentLine(name, value)),
    );
  }
  return `${lines.join("\n")}\n`;
}

function inCommand(command: string): string {
  return `${complete} -n '__fish_seen_subcommand_from ${command}'`;
}

function flagLine(command: string, flag: CompletedFlag): string {
  const { name, short, help, placeholder, value } = flag;
  const parts = [inCommand(command), `-l ${name}`];
  if (short !== undefined) parts.push(`-s ${short}`);
  if (placeholder !== null) parts.push(takenBy(value));
  return [...parts, `-d ${quoted(help)}`].join(" ");
}

function takenBy(value: CompletedValue): string {
  if (value.kind === "path") return "-r -F";
  return value.kind === "any" ? "-x" : `-x -a '${value.words.join(" ")}'`;
}

function argumentLine(command: string, value: CompletedValue): string[] {
  if (value.kind === "any") return [];
  return [
    `${inCommand(command)} ${value.kind === "path" ? "-F" : `-a '${value.words.join(" ")}'`}`,
  ];
}

/** In fish's single quotes only the quote and the backslash are special. */
function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, (char) => `\\${char}`)}'`;
}
