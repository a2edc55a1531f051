import { readFile } from "node:fs/promises";

/** The mount through which a file was opened. */
export interface Mount {
  /** Its path: the file's own path if only this file is mounted. */
  readonly mountPoint: string;
  /** The mounted file or folder has been deleted or replaced, and the mount still shows the old one. */
  readonly isOfDeleted: boolean;
}

/** The mount of an open file; null if the system doesn't tell (only Linux does). */
export async function mountOf(fd: number): Promise<Mount | null> {
  const id = /^mnt_id:\s*(\d+)$/m.exec(await read(`/proc/self/fdinfo/${fd}`))?.[1];
  if (id === undefined) return null;
  for (const line of (await read("/proc/self/mountinfo")).split("\n")) {
    // proc_pid_mountinfo(5): mount id, parent id, device, root in the file system, mount point, …
    const [mountId, , , root, mountPoint] = line.split(" ");
    if (mountId !== id || root === undefined || mountPoint === undefined) continue;
    return { mountPoint: unescaped(mountPoint), isOfDeleted: root.endsWith("//deleted") };
  }
  return null;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // Another system, or a sandbox without /proc: nothing is known about mounts.
    return "";
  }
}

/** The kernel writes spaces, line breaks and backslashes in octal. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
