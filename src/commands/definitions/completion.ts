import { listed, oneOf } from "../../app/settings/values.ts";
import { completionShells } from "../completion/shells.ts";
import { type Definition, defineCommand } from "../definition.ts";

/** `all`: the commands to complete, including this one, so it is called only when this one runs. */
export const completion = (all: () => readonly Definition[]): Definition =>
  defineCommand({
    name: "completion",
    description: `Prints a script that lets ${listed(completionShells)} complete commands, flags and their values`,
    settings: [],
    options: {
      shell: oneOf(completionShells, {
        placeholder: "shell",
        help: listed(completionShells),
        argument: "required",
      }),
    },
    examples: [
      "completion bash > ~/.local/share/bash-completion/completions/scb-mirror",
      "completion zsh > ~/.zfunc/_scb-mirror",
      "completion fish > ~/.config/fish/completions/scb-mirror.fish",
    ],
    action: async (context) => (await import("../completion.ts")).completionAction(context, all()),
  });
