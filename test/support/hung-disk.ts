import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { runCommand } from "../peers/run-command.ts";

/** A file system that never answers, like a network folder whose server is gone. */
export interface HungDisk extends AsyncDisposable {
  /** Unmounts it: hanging calls fail, and the original folder is visible again. */
  release(): Promise<void>;
}

/**
 * Mounts one over `folder`, or returns null if this user may not. It is a FUSE file system whose
 * server, this process, never reads a request.
 */
export function mountHungDisk(folder: string): HungDisk | null {
  if (process.getuid?.() !== 0) return null;
  let device: number;
  try {
    device = openSync("/dev/fuse", "r+");
  } catch {
    return null;
  }
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0";
  const mount = spawnSync("mount", ["-i", "-t", "fuse", "-o", options, "scb-mirror-test", folder], {
    stdio: ["ignore", "ignore", "ignore", device],
  });
  if (mount.status !== 0) {
    closeSync(device);
    return null;
  }
  let isMounted = true;
  const release = async (): Promise<void> => {
    if (!isMounted) return;
    isMounted = false;
    // Ending its server ends the hanging calls.
    closeSync(device);
    await runCommand("umount", ["--lazy", folder], { timeoutMs: 10_000 });
  };
  return { release, [Symbol.asyncDispose]: release };
}
