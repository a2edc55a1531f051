import type { ErrorCode } from "../runtime/error.ts";

/** What the process says to whoever called it. Source: the command line's contract. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  problemFound: 3,
  refused: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const usage: readonly ErrorCode[] = ["usage"];
/** Stopped to protect data: a person has to look, and starting again would only stop again. */
const refused: readonly ErrorCode[] = [
  "refused",
  "exists",
  "store-lies",
  "pointer-lost",
  "wrong-node",
];

export function exitCodeOf(code: ErrorCode): ExitCode {
  if (usage.includes(code)) return exitCodes.usage;
  if (refused.includes(code)) return exitCodes.refused;
  return exitCodes.failed;
}

/** For the end of each command's help. */
export const exitCodeHelp = `
Exit codes: 0 done, or healthy; 1 it failed; 2 wrong usage or configuration;
3 it ran and found a problem; 4 refused, to protect data.`;
