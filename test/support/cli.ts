import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { checkJson } from "./json-documents.ts";

/** The built command line, as in an installed package. `npm run build` makes it. */
export const cliPath = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A command that hasn't ended after this time is killed; its code is null. */
  readonly timeoutMs?: number;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
  /** The JSON document on stdout; throws if stdout holds anything else. */
  json(): unknown;
}

/** A clean environment, without the machine's own settings and credentials. */
function environment(extra: CliOptions["env"]): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, AWS_EC2_METADATA_DISABLED: "true", ...extra };
}

/** Runs a command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}

/** A command under way. */
export interface StartedCli {
  readonly result: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
}

export function startCli(args: readonly string[], options: CliOptions = {}): StartedCli {
  const child = spawnCli(args, options);
  return { result: resultOf(child, args, options), kill: (signal) => void child.kill(signal) };
}

async function resultOf(
  child: ChildProcess,
  args: readonly string[],
  options: CliOptions,
): Promise<CliResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
  await once(child, "close");
  clearTimeout(timer);
  const stdoutBytes = Buffer.concat(stdout);
  // One that was killed may have stopped in the middle of a line.
  if (child.exitCode !== null) checkJson(args, stdoutBytes.toString("utf8"));
  return {
    code: child.exitCode,
    stdout: stdoutBytes.toString("utf8"),
    stdoutBytes,
    stderr: Buffer.concat(stderr).toString("utf8"),
    json: () => JSON.parse(stdoutBytes.toString("utf8")),
  };
}

/** One line of `run --json`. */
export interface CliEvent {
  readonly event: string;
  readonly at: string;
  readonly [field: string]: unknown;
}

/** A `run --json` under way. */
export class RunningCli {
  readonly events: CliEvent[] = [];
  readonly child: ChildProcess;
  stderr = "";
  readonly #closed: Promise<unknown>;
  /** Why the first line that breaks the documented format does so. */
  #wrong: unknown = null;
  #heard = Promise.withResolvers<void>();

  constructor(child: ChildProcess, args: readonly string[]) {
    this.child = child;
    this.#closed = once(child, "close");
    child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString("utf8");
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        this.events.push(JSON.parse(line));
        try {
          checkJson(args, line);
        } catch (error) {
          this.#wrong ??= error;
        }
        this.#tell();
      });
    }
    child.on("close", () => this.#tell());
  }

  /** The first event from index `after` on that `matches`; throws if the command ends first. */
  async event(
    matches: string | ((event: CliEvent) => boolean),
    { after = 0, timeoutMs = 30_000 } = {},
  ): Promise<CliEvent> {
    const test = typeof matches === "string" ? (e: CliEvent) => e.event === matches : matches;
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      if (this.#wrong !== null) throw this.#wrong;
      const found = this.events.slice(after).find(test);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`it ended (${this.child.exitCode}) before that event: ${this.#told()}`);
      }
      const timedOut = once(deadline, "abort");
      if (deadline.aborted) throw new Error(`no such event in ${timeoutMs} ms: ${this.#told()}`);
      await Promise.race([this.#heard.promise, timedOut]);
    }
  }

  /** Sends a signal, waits for the end, and returns the exit code (null if the signal killed it). */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exit();
  }

  /** Waits for it to end. Kills it after a timeout, and then returns null. */
  async exit(): Promise<number | null> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 60_000);
    await this.#closed;
    clearTimeout(timer);
    if (this.#wrong !== null) throw this.#wrong;
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }

  #tell(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  #told(): string {
    return `${JSON.stringify(this.events.slice(-5))} ${this.stderr.slice(-2000)}`;
  }
}

/** Starts `run --json` and the arguments. */
export function startRun(args: readonly string[], options: CliOptions = {}): RunningCli {
  return startedWith(["run", "--json", ...args], options);
}

/** Starts `watch --json` and the arguments. */
export function startWatch(args: readonly string[], options: CliOptions = {}): RunningCli {
  return startedWith(["watch", "--json", ...args], options);
}

function startedWith(args: readonly string[], options: CliOptions): RunningCli {
  return new RunningCli(spawnCli(args, options), args);
}

function spawnCli(args: readonly string[], { env, cwd }: CliOptions): ChildProcess {
  return spawn(process.execPath, [cliPath, ...args], {
    env: environment(env),
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
}
