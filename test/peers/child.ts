import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The file that its output is appended to. */
  readonly logPath: string;
}

/**
 * A server that a test has started. It never outlives this process: it is killed when this one
 * exits, and on Linux the kernel kills it even when this one was itself killed.
 */
export interface Child {
  readonly pid: number;
  readonly name: string;
  /** How it ended, or null while it runs. */
  ended(): string | null;
  /** The last lines of its output. */
  logTail(): string;
  /** Sends the signal and waits until it is gone; after `graceMs` SIGKILL. May be called twice. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
  /** Waits until it has ended on its own; after `graceMs` SIGKILL. */
  waitForEnd(graceMs: number): Promise<void>;
}

const setpriv = "/usr/bin/setpriv";
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export async function startChild(
  name: string,
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<Child> {
  // setpriv becomes the command by exec, so the process id and the signals are the command's own.
  const argv = existsSync(setpriv)
    ? [setpriv, "--pdeathsig", "KILL", command, ...args]
    : [command, ...args];
  const log = openSync(options.logPath, "a");
  const child = spawn(argv[0] ?? command, argv.slice(1), {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  running.add(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.once("exit", () => running.delete(child));
  try {
    await once(child, "spawn");
  } catch (error) {
    running.delete(child);
    throw new Error(`${name} could not be started: ${command}`, { cause: error });
  }
  // A test that forgets to stop a peer must still end.
  child.unref();

  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const waitForEnd = async (graceMs: number): Promise<void> => {
    if (!isRunning()) return;
    child.ref();
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(timer);
  };
  return {
    pid: child.pid ?? 0,
    name,
    ended: () =>
      isRunning() ? null : `${name} ended with ${child.signalCode ?? `code ${child.exitCode}`}`,
    logTail: () => tailOf(name, options.logPath),
    waitForEnd,
    async stop(signal = "SIGTERM", graceMs = 20_000) {
      if (isRunning()) child.kill(signal);
      await waitForEnd(graceMs);
    },
  };
}

/** The last lines of a log, under a heading that names it. */
export function tailOf(name: string, logPath: string, lines = 25): string {
  const text = existsSync(logPath) ? readFileSync(logPath, "utf8").trimEnd() : "";
  return [`--- ${name}, end of ${logPath}`, ...text.split("\n").slice(-lines), "---"].join("\n");
}
