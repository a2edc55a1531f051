import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { MinioServer } from "../peers/minio.ts";

export interface RawObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The condition on a key: nothing is there, or the object with this ETag. */
export type RawCondition = "absent" | { readonly etag: string };

/** "refused": the condition doesn't hold. "missing": it names an ETag, and nothing is there. */
export type RawAnswer = { readonly etag: string } | "refused" | "missing";

/** A node's folder as docs/protocol.md asks it of a store, without any code of the product. */
export interface RawStore {
  get(key: string): Promise<RawObject | null>;
  put(
    key: string,
    bytes: Uint8Array,
    condition: RawCondition,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<RawAnswer>;
  list(prefix: string): Promise<readonly string[]>;
}

const missing = async <T>(work: Promise<T>): Promise<T | null> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
};

/** Source: docs/protocol.md, "In a folder". */
export class RawFolder implements RawStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async get(key: string): Promise<RawObject | null> {
    const path = join(this.#root, key);
    for (;;) {
      const bytes = await missing(readFile(path));
      if (bytes === null) return null;
      const etag = etagOf(bytes);
      const sidecar = await missing(readFile(sidecarOf(path, etag), "utf8"));
      const again = await missing(readFile(path));
      if (again === null || !again.equals(bytes)) continue;
      return { bytes, etag, metadata: sidecar === null ? {} : JSON.parse(sidecar).metadata };
    }
  }

  async put(
    key: string,
    bytes: Uint8Array,
    condition: RawCondition,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    const path = join(this.#root, key);
    const [folder, token, etag] = [dirname(path), randomUUID(), etagOf(bytes)];
    const lock = join(folder, `.${path.slice(folder.length + 1)}.lock`);
    const pending = join(folder, `.pending-${token}`);
    await mkdir(pending, { recursive: true });
    await writeSynced(join(pending, token), bytes);
    const hasMetadata = Object.keys(metadata).length > 0;
    if (hasMetadata) {
      const sidecar = `${JSON.stringify({ etag, metadata })}\n`;
      await writeSynced(join(pending, `${token}.meta`), Buffer.from(sidecar));
    }
    while (!(await tryRename(pending, lock))) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    try {
      const current = await this.get(key);
      if (condition === "absent" && current !== null) return "refused";
      if (condition !== "absent" && current?.etag !== condition.etag) {
        return current === null ? "missing" : "refused";
      }
      if (hasMetadata) await rename(join(lock, `${token}.meta`), sidecarOf(path, etag));
      await rename(join(lock, token), path);
      if (current !== null) await rm(sidecarOf(path, current.etag), { force: true });
      return { etag };
    } finally {
      await rm(lock, { recursive: true, force: true });
      await syncFolder(folder);
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names = (await missing(readdir(join(this.#root, prefix)))) ?? [];
    return names
      .filter((name) => !name.startsWith("."))
      .map((name) => `${prefix}${name}`)
      .sort();
  }
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("sha256").update(bytes).digest("hex")}"`;
}

function sidecarOf(path: string, etag: string): string {
  const folder = dirname(path);
  return join(folder, `.${path.slice(folder.length + 1)}.${etag.slice(1, 17)}.meta`);
}

async function tryRename(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (await stat(from).catch(() => null)) return false;
    throw error;
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A folder of a bucket, by the SDK alone: each request is sent once. */
export class RawBucket implements RawStore, Disposable {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** `prefix` ends in a slash. */
  constructor(minio: MinioServer, bucket: string, prefix: string) {
    const { endpoint, region, accessKeyId, secretAccessKey } = minio;
    const credentials = { accessKeyId, secretAccessKey };
    this.#client = new S3Client({
      ...{ endpoint, region, credentials },
      ...{ forcePathStyle: true, maxAttempts: 1 },
    });
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async get(key: string): Promise<RawObject | null> {
    try {
      const answer = await this.#client.send(new GetObjectCommand(this.#of(key)));
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { bytes, etag: answer.ETag ?? "", metadata: answer.Metadata ?? {} };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async put(
    key: string,
    bytes: Uint8Array,
    condition: RawCondition,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    const required = condition === "absent" ? { IfNoneMatch: "*" } : { IfMatch: condition.etag };
    const object = { ...this.#of(key), ...required, Body: bytes, Metadata: { ...metadata } };
    try {
      const answer = await this.#client.send(new PutObjectCommand(object));
      return { etag: answer.ETag ?? "" };
    } catch (error) {
      const status = statusOf(error);
      if (status === 412) return "refused";
      if (status === 404) return "missing";
      throw error;
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    const { client, Bucket, Prefix } = {
      client: this.#client,
      Bucket: this.#bucket,
      Prefix: this.#prefix + prefix,
    };
    const keys: string[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
      for (const { Key = "" } of Contents) keys.push(Key.slice(this.#prefix.length));
    }
    return keys;
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  #of(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
