import { unlink } from "node:fs/promises";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import type { FileTask } from "./file-calls.ts";
import { systemCode, unless } from "./file-errors.ts";
import { type FileObject, sidecarPath } from "./file-object.ts";
import { type FileRoot, syncFolder } from "./file-root.ts";
import type { PutOptions } from "./object-store.ts";
import { PendingFile } from "./pending-file.ts";
import { checkCondition } from "./put-condition.ts";
import { contentEtag, encodeSidecar } from "./sidecar.ts";

export interface FileTarget {
  readonly key: string;
  readonly folder: string;
  readonly name: string;
}

/** A put, and what it needs of the store. */
export interface FilePut extends Pick<PutOptions, "condition" | "metadata"> {
  readonly target: FileTarget;
  readonly bytes: Uint8Array;
  readonly root: FileRoot;
  readonly task: FileTask;
  readonly clock: Clock;
  readonly random: Random;
  /** For messages. */
  readonly location: string;
  /** What is at the target now. */
  readonly readCurrent: () => Promise<FileObject | null>;
}

/** One round of a put: the etag, or null if the lock or the folder was taken away. */
export async function tryPut({
  target: { key, folder, name },
  bytes,
  condition,
  metadata = {},
  root,
  task,
  clock,
  random,
  location,
  readCurrent,
}: FilePut): Promise<string | null> {
  const etag = contentEtag(bytes);
  const sidecar = Object.keys(metadata).length === 0 ? null : encodeSidecar(etag, metadata);
  const token = bytesToHex(random.bytes(16));
  let pending: PendingFile | undefined;
  let current: FileObject | null;
  try {
    await root.ensureFolder(task, folder);
    pending = await PendingFile.stage({ folder, name, token, task }, bytes, sidecar);
    await pending.lock({ clock, random });
    current = await readCurrent();
    // As in `get`: a disk that has just gone says nothing about its contents.
    if (current === null) await root.check(task);
    checkCondition(key, current?.etag ?? null, condition, location);
    const path = sidecarPath(folder, name, etag);
    const isPlaced = await placeSidecar(task, pending, path, sidecar);
    if (!isPlaced || !(await pending.commit())) {
      await pending.discard();
      return null;
    }
  } catch (error) {
    await pending?.discard();
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    await pending.discard();
    if (current !== null && current.etag !== etag) {
      await removeFile(task, sidecarPath(folder, name, current.etag));
    }
    await syncFolder(task, folder);
    await root.check(task);
  } catch (error) {
    throw new ScbError(
      "store-unknown",
      `${key} was written to ${location}, but it is not known to be on the disk: check the disk`,
      { cause: error },
    );
  }
  return etag;
}

async function placeSidecar(
  task: FileTask,
  pending: PendingFile,
  path: string,
  sidecar: string | null,
): Promise<boolean> {
  if (sidecar !== null) return pending.placeSidecar(path);
  await removeFile(task, path);
  return true;
}

/** Removes a file, if it is there. */
export async function removeFile(task: FileTask, path: string): Promise<void> {
  await unless(
    task.run(() => unlink(path)),
    "ENOENT",
  );
}
