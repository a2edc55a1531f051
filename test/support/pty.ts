import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";

/** What a person types when the program has shown this. */
export interface Answer {
  readonly prompt: RegExp;
  readonly text: string;
}

/**
 * Runs a command at a terminal of its own, through `script` (util-linux), and answers its questions
 * in their order. Returns what was on the screen; throws where it ends with another code than 0, or
 * a question does not come.
 */
export async function answerAtTerminal(
  command: readonly string[],
  answers: readonly Answer[],
  { timeoutMs, env }: { readonly timeoutMs: number; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn(
    "script",
    ["--quiet", "--return", "--flush", "--command", line, "/dev/null"],
    {
      env: env ?? process.env,
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const waiting = [...answers];
  let screen = "";
  /** Where on the screen the next question may begin. */
  let answeredTo = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString("utf8");
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const found = next.prompt.exec(screen.slice(answeredTo));
      if (found === null) return;
      answeredTo += found.index + found[0].length;
      waiting.shift();
      child.stdin.write(`${next.text}\r`);
    }
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const [code] = z.tuple([z.number().nullable(), z.unknown()]).parse(await once(child, "close"));
  clearTimeout(timer);
  if (code === 0 && waiting.length === 0) return screen;
  const asked = waiting[0] === undefined ? "" : `, waiting for ${waiting[0].prompt}`;
  throw new Error(`${command[0]} ended with ${code}${asked}:\n${screen.slice(-2000)}`);
}
