export const completionShells = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof completionShells)[number];

/** The file name that each shell expects for its script. */
export const completionFiles: Readonly<Record<CompletionShell, string>> = {
  bash: "scb-mirror",
  zsh: "_scb-mirror",
  fish: "scb-mirror.fish",
};
