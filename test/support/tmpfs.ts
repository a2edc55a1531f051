import assert from "node:assert/strict";
import { type FileHandle, mkdir, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../peers/run-command.ts";

/** A disk of its own, in memory: it can be full, read-only, or gone. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  setReadOnly(): Promise<void>;
  /** Unmounts it, even while a process uses it. The empty mount point stays. */
  unmount(): Promise<void>;
}

/** Null if this user may not mount. */
export async function mountSmallDisk(sizeBytes: number): Promise<SmallDisk | null> {
  if (process.getuid?.() !== 0) return null;
  const path = await mkdtemp(join(tmpdir(), "scb-disk-"));
  try {
    await run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "scb-mirror-test", path);
  } catch {
    await rm(path, { recursive: true });
    return null;
  }
  let isMounted = true;
  const unmount = async (): Promise<void> => {
    if (isMounted) await run("umount", "--lazy", path);
    isMounted = false;
  };
  return {
    path,
    setReadOnly: async () => void (await run("mount", "-o", "remount,ro", path)),
    unmount,
    async [Symbol.asyncDispose]() {
      await unmount();
      await rm(path, { recursive: true });
    },
  };
}

/**
 * Shows the file or folder `source` at `target`, which is made first, as a container's bind mount does.
 * Null if this user may not mount.
 */
export async function bindMount(source: string, target: string): Promise<AsyncDisposable | null> {
  if (process.getuid?.() !== 0) return null;
  if ((await stat(source)).isDirectory()) await mkdir(target);
  else await writeFile(target, "");
  try {
    await run("mount", "--bind", source, target);
  } catch {
    return null;
  }
  return { [Symbol.asyncDispose]: async () => void (await run("umount", "--lazy", target)) };
}

function run(command: string, ...args: readonly string[]): Promise<string> {
  return runCommand(command, args, { timeoutMs: 10_000 });
}

/** Writes a file at `path` until its disk is full. */
export async function fillDisk(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    // The large ones for speed, the small ones for the last gap.
    for (const sizeBytes of [65_536, 1024]) await writeUntilFull(file, Buffer.alloc(sizeBytes, 1));
  } finally {
    await file.close();
  }
}

async function writeUntilFull(file: FileHandle, bytes: Buffer): Promise<void> {
  try {
    for (;;) await file.write(bytes);
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && error.code === "ENOSPC");
  }
}
