#!/usr/bin/env node
import { endProcess } from "../runtime/end-process.ts";
import { homeFolder } from "../runtime/home-folder.ts";
import { runProgram } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // Asked again: the person means it, and what is under way is safe to leave at any point.
    if (stop.signal.aborted) endProcess(1);
    stop.abort();
  });
}

const needed = [22, 12] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isTooOld = major < needed[0] || (major === needed[0] && minor < needed[1]);

if (isTooOld) {
  process.stderr.write(
    `scb-mirror: this is Node ${process.versions.node}, and Node ${needed.join(".")} or later is needed\n`,
  );
  process.exit(2);
}

/** All is done and told by then: what is left is a call that hangs. */
const graceMs = 500;

// The AWS SDK asks for it, and would end the process.
process.env["HOME"] ??= homeFolder();

await runProgram(process.argv.slice(2), {
  terminal: systemTerminal(),
  environment: process.env,
  signal: stop.signal,
  exit: (code) => {
    process.exitCode = code;
  },
});
setTimeout(() => endProcess(Number(process.exitCode ?? 0)), graceMs).unref();
