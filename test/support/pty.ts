import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";

/** What the user does when the program has shown this. */
export interface Answer {
  readonly prompt: RegExp;
  /** Types this, and Enter. */
  readonly text?: string;
  /** Presses these keys, and nothing else. */
  readonly keys?: string;
  /** Does something elsewhere. */
  readonly act?: () => void;
}

interface AtTerminal {
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
  /** The expected exit code. Default: 0. */
  readonly code?: number;
}

/**
 * Runs a command at a terminal of its own, through `script` (util-linux), and answers its questions
 * in their order. Returns what was on the screen; throws if it ends with an unexpected code,
 * or if a question doesn't appear.
 */
export async function answerAtTerminal(
  command: readonly string[],
  answers: readonly Answer[],
  { timeoutMs, env, code: expected = 0 }: AtTerminal,
): Promise<string> {
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn(
    "script",
    ["--quiet", "--return", "--flush", "--command", `exec ${line}`, "/dev/null"],
    {
      env: env ?? process.env,
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const waiting = [...answers];
  let screen = "";
  /** From where on in the screen's text the next question may begin. */
  let answeredTo = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString("utf8");
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const found = next.prompt.exec(screen.slice(answeredTo));
      if (found === null) return;
      answeredTo += found.index + found[0].length;
      waiting.shift();
      if (next.text !== undefined) child.stdin.write(`${next.text}\r`);
      if (next.keys !== undefined) child.stdin.write(next.keys);
      next.act?.();
    }
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const [code] = z.tuple([z.number().nullable(), z.unknown()]).parse(await once(child, "close"));
  clearTimeout(timer);
  if (code === expected && waiting.length === 0) return screen;
  const asked = waiting[0] === undefined ? "" : `, waiting for ${waiting[0].prompt}`;
  throw new Error(`${command[0]} ended with ${code}${asked}:\n${screen.slice(-2000)}`);
}
