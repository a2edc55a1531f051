import { endProcess } from "../runtime/end-process.ts";
import { homeFolder } from "../runtime/home-folder.ts";
import { exitCodes } from "./exit-code.ts";
import { runProgram } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

const needed = [22, 12] as const;

/** By then everything is done and reported; only a hanging call can be left. */
const graceMs = 500;

/** Runs the program with this process's arguments, environment, streams, signals and exit code. */
export async function startProgram(): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
    process.stderr.write(
      `scb-mirror: this is Node ${process.versions.node}, but scb-mirror needs Node ${needed.join(".")} or later\n`,
    );
    process.exit(exitCodes.usage);
  }
  const stop = new AbortController();
  const terminal = systemTerminal();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // A second signal means it, and work in progress is safe to abandon at any point.
      if (stop.signal.aborted) {
        terminal.makeWay();
        endProcess(1);
      }
      stop.abort();
    });
  }
  // The AWS SDK needs it, and would end the process without it.
  process.env["HOME"] ??= homeFolder();
  await runProgram(process.argv.slice(2), {
    terminal,
    environment: process.env,
    signal: stop.signal,
    exit: (code) => {
      process.exitCode = code;
    },
  });
  setTimeout(() => endProcess(Number(process.exitCode ?? 0)), graceMs).unref();
}
