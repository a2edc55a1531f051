export const completionShells = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof completionShells)[number];

/** How each shell wants the script's file to be called. */
export const completionFiles: Readonly<Record<CompletionShell, string>> = {
  bash: "scb-mirror",
  zsh: "_scb-mirror",
  fish: "scb-mirror.fish",
};
