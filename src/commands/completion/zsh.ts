import type { CompletedCommand, CompletedFlag, CompletedValue } from "./completed.ts";

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  return `#compdef scb-mirror
# zsh completion for scb-mirror, made by \`scb-mirror completion zsh\`
_scb-mirror() {
  local curcontext="$curcontext" state
  local -a line commands
  commands=(
${described.join("\n")}
  )
  _arguments -C \\
    '(- *)--help[show help]' \\
    '(- *)--version[show the version]' \\
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac
      ;;
  esac
}

# Loaded by its name it completes at once; sourced it only registers itself.
if [[ $funcstack[1] == _scb-mirror ]]; then
  _scb-mirror "$@"
else
  compdef _scb-mirror scb-mirror
fi
`;
}

function commandCase({ name, flags, arguments: taken }: CompletedCommand): string {
  const specs = [
    ...flags.map(flagSpec),
    quoted("(- *)--help[show help]"),
    ...taken.map(({ placeholder, value }, at) => {
      return quoted(`${at + 1}:${escapedText(placeholder ?? "")}:${actionOf(value)}`);
    }),
  ];
  const lines = specs.map((spec) => `          ${spec}`);
  return `        ${name})\n          _arguments -s \\\n${lines.join(" \\\n")}\n          ;;`;
}

function flagSpec({ name, short, help, placeholder, value }: CompletedFlag): string {
  const words = `[${escapedText(help)}]`;
  const taking = placeholder === null ? "" : `:${escapedText(placeholder)}:${actionOf(value)}`;
  const long = `--${name}${placeholder === null ? "" : "="}`;
  if (short === undefined) return quoted(`${long}${words}${taking}`);
  return `'(-${short} --${name})'{-${short},${long}}${quoted(`${words}${taking}`)}`;
}

function actionOf(value: CompletedValue): string {
  if (value.kind === "path") return "_files";
  return value.kind === "any" ? " " : `(${value.words.join(" ")})`;
}

/** Brackets and colons end a part of a specification. */
function escapedText(text: string): string {
  return text.replaceAll(/[[\]\\:]/g, (char) => `\\${char}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
