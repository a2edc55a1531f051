import { runProgram } from "../../src/commands/program.ts";

export interface InProcessResult {
  readonly code: number | null;
  /** What went to stdout and stderr, by lines. */
  readonly told: readonly string[];
}

/** Runs the program in this process, for errors that come before a command acts: fast enough for hundreds of cases. */
export async function runInProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<InProcessResult> {
  let code: number | null = null;
  const told: string[] = [];
  await runProgram(args, {
    terminal: {
      line: (text) => told.push(text),
      json: (value) => told.push(JSON.stringify(value)),
      bytes: async (bytes) => void told.push(Buffer.from(bytes).toString()),
      flush: async () => undefined,
      note: (text) => told.push(text),
      progress: () => undefined,
      makeWay: () => undefined,
      style: (_style, text) => text,
    },
    environment,
    signal: new AbortController().signal,
    exit: (given) => {
      code = given;
    },
  });
  return { code, told };
}
