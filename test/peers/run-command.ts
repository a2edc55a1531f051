import { spawn } from "node:child_process";
import { once } from "node:events";

export interface CommandOptions {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly timeoutMs: number;
  /** The command's stdin. Default: none. */
  readonly stdin?: string | undefined;
}

/**
 * Runs a command to its end and returns its stdout. If it fails, or takes too long, it throws
 * an error with the end of the output.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs, stdin }: CommandOptions,
): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    env: env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(stdin);
  // Not spawn's own timeout: its timer goes on when there is no such command.
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    await once(child, "close");
  } finally {
    clearTimeout(timer);
  }
  const text = Buffer.concat(stdout).toString();
  if (child.exitCode === 0) return text;
  const said = `${text}${Buffer.concat(stderr).toString()}`.trimEnd().split("\n").slice(-25);
  const how = child.signalCode ?? `code ${child.exitCode}`;
  throw new Error(`${command} ${args.join(" ")} ended with ${how}:\n${said.join("\n")}`);
}
