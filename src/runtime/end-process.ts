/**
 * Ends this process immediately, with `code`. `process.exit` waits for the threads that make file system
 * calls, and one that hangs, for example on a network disk whose server is gone, would block it forever.
 * Replacing the program ends its threads too, even as process 1 of a container, which its own signals
 * can't end.
 */
export function endProcess(code: number): void {
  try {
    // Node 22.15 introduced this function; Windows lacks it.
    process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`], {});
  } catch {
    // Falls through to the call below.
  }
  process.kill(process.pid, "SIGKILL");
}
