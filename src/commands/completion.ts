import type { ActionContext } from "./action.ts";
import { bashCompletion } from "./completion/bash.ts";
import { completed } from "./completion/completed.ts";
import { fishCompletion } from "./completion/fish.ts";
import type { CompletionShell } from "./completion/shells.ts";
import { zshCompletion } from "./completion/zsh.ts";
import type { Definition } from "./definition.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** The script that makes `shell` complete these commands. Ends with a line feed. */
export function completionScript(
  shell: CompletionShell,
  definitions: readonly Definition[],
): string {
  return scripts[shell](definitions.map(completed));
}

export async function completionAction(
  { options: { shell }, terminal, json }: ActionContext<{ readonly shell: CompletionShell }>,
  definitions: readonly Definition[],
): Promise<ExitCode> {
  const script = completionScript(shell, definitions);
  if (json) terminal.json({ shell, script });
  else for (const line of script.trimEnd().split("\n")) terminal.line(line);
  return exitCodes.done;
}
