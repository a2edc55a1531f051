/**
 * Ends this process now, with `code`. `process.exit` waits for the threads that make calls of the file
 * system, and one that hangs, as on a network disk whose server is gone, would keep it for ever. A
 * program that is replaced takes its threads with it, also as process 1 of a container, which no
 * signal of its own ends.
 */
export function endProcess(code: number): void {
  try {
    // Node 22.15 is the first that has it; no Windows has.
    process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`], {});
  } catch {
    // As below.
  }
  process.kill(process.pid, "SIGKILL");
}
