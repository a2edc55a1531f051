import type { ErrorCode } from "../runtime/error.ts";

/** The exit codes. Source: the command line's contract. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  problemFound: 3,
  refused: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const usage: readonly ErrorCode[] = ["usage"];
/** Stopped to protect data: a person has to look, because a new start would only stop again. */
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

/** What each code means, unless a command says more. */
const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  [exitCodes.done]: "done, or healthy",
  [exitCodes.failed]: "failed",
  [exitCodes.usage]: "wrong usage or configuration",
  [exitCodes.problemFound]: "it ran and found a problem",
  [exitCodes.refused]: "refused, to protect data",
};

/** Each code with its meaning, in order. `own` holds what a command says instead. */
export function exitCodeEntries(
  own: Partial<Readonly<Record<ExitCode, string>>> = {},
): readonly (readonly [ExitCode, string])[] {
  return Object.values(exitCodes).map((code) => [code, own[code] ?? exitCodeMeanings[code]]);
}

/** Ends each command's help. */
export function exitCodeHelp(own?: Partial<Readonly<Record<ExitCode, string>>>): string {
  const lines = exitCodeEntries(own).map(([code, meaning]) => `${code} ${meaning}`);
  if (own === undefined) return `\nExit codes: ${lines.join("; ")}.`;
  return `\nExit codes: ${lines.join(";\n            ")}.`;
}
