#!/usr/bin/env node
import { runProgram } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // Asked again: the person means it, and what is under way is safe to leave at any point.
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  });
}

await runProgram(process.argv.slice(2), {
  terminal: systemTerminal(),
  environment: process.env,
  signal: stop.signal,
  exit: (code) => {
    process.exitCode = code;
  },
});
