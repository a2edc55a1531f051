import type { CompletedCommand, CompletedFlag, CompletedValue } from "./completed.ts";

/** Also works with macOS's bash 3.2, which has no `mapfile` and may lack `compopt`. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# bash completion for scb-mirror, made by \`scb-mirror completion bash\`
_scb_mirror() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at=1 command=
  # bash takes the = of --flag=value for a word.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  while ((at < COMP_CWORD)); do
    if [[ \${COMP_WORDS[at]} != -* ]]; then
      command=\${COMP_WORDS[at]}
      break
    fi
    ((at++))
  done
  case "$command $prev" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case $command in
    "") _scb_mirror_words "help ${names} --help --version" ;;
${commands.map(commandCase).join("\n")}
  esac
}

_scb_mirror_words() {
  local IFS=$' \\t\\n'
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_scb_mirror_no_paths() {
  compopt +o default 2>/dev/null
}

complete -o default -F _scb_mirror scb-mirror
`;
}

function valueCases({ name, flags }: CompletedCommand): string[] {
  return flags
    .filter(({ placeholder }) => placeholder !== null)
    .map((flag) => {
      const patterns = spellings(flag).map((spelling) => `"${name} ${spelling}"`);
      return `    ${patterns.join(" | ")}) ${reply(flag.value)}return ;;`;
    });
}

function commandCase({ name, flags, arguments: taken }: CompletedCommand): string {
  const words = [...flags.flatMap(spellings), "--help"];
  for (const { value } of taken) if (value.kind === "words") words.unshift(...value.words);
  return `    ${name}) _scb_mirror_words "${words.join(" ")}" ;;`;
}

/** With nothing to offer, bash offers paths. */
function reply(value: CompletedValue): string {
  if (value.kind === "path") return "";
  if (value.kind === "any") return "_scb_mirror_no_paths; ";
  return `_scb_mirror_words "${value.words.join(" ")}"; `;
}

function spellings({ name, short }: CompletedFlag): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}
