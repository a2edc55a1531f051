import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import type { MinioServer } from "../peers/minio.ts";

const pointerSchema = z.object({
  sequence: z.number(),
  version: z.object({ key: z.string(), size: z.number(), sha256: z.string() }),
});

/** The version that the pointer names, read back and checked against the pointer's size and hash. */
export interface CurrentBackup {
  readonly pointer: z.infer<typeof pointerSchema>;
  readonly pointerEtag: string;
  readonly bytes: Uint8Array;
}

export interface LineageEntry {
  /** Relative to the node's folder, as everywhere. */
  readonly key: string;
  readonly sequence: number;
  readonly sha256: string;
}

/**
 * A bucket as any S3 client sees it. It uses none of the program's own code, so that what the program says
 * can be compared with what is there. Keys are full keys; `folder` is PREFIX/NODE.
 */
export class Bucket implements Disposable {
  readonly name: string;
  readonly #client: S3Client;

  constructor(minio: MinioServer, name: string) {
    const { endpoint, region, accessKeyId, secretAccessKey } = minio;
    this.name = name;
    this.#client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      maxAttempts: 1,
    });
  }

  /** Every key with its etag, sorted: equal listings mean that nothing was changed. */
  async listing(): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: this.name }))
      for (const { Key, ETag, Size } of page.Contents ?? []) found.push(`${Key} ${ETag} ${Size}`);
    return found.sort();
  }

  async get(
    key: string,
  ): Promise<{ bytes: Uint8Array; etag: string; metadata: Readonly<Record<string, string>> }> {
    const answer = await this.#client.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
    const bytes = await answer.Body?.transformToByteArray();
    return {
      bytes: bytes ?? new Uint8Array(),
      etag: answer.ETag ?? "",
      metadata: answer.Metadata ?? {},
    };
  }

  async put(
    key: string,
    body: Uint8Array | string,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const object = { Bucket: this.name, Key: key, Body: body, Metadata: { ...metadata } };
    await this.#client.send(new PutObjectCommand(object));
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }));
  }

  /** The pointer's target. Fails if its size or hash differs from the pointer's. */
  async current(folder: string): Promise<CurrentBackup> {
    const { bytes: json, etag } = await this.get(`${folder}/latest.json`);
    const pointer = pointerSchema.parse(JSON.parse(Buffer.from(json).toString("utf8")));
    const { bytes } = await this.get(`${folder}/${pointer.version.key}`);
    assert.equal(bytes.length, pointer.version.size, "the pointer's size");
    assert.equal(sha256(bytes), pointer.version.sha256, "the pointer's sha256");
    return { pointer, pointerEtag: etag, bytes };
  }

  /**
   * Walks from the pointer back to the first version, newest first. Fails if a version is missing
   * or damaged, or if a sequence is not exactly one below its successor's.
   */
  async lineage(folder: string): Promise<readonly LineageEntry[]> {
    const { pointer } = await this.current(folder);
    const entries: LineageEntry[] = [];
    let next: { key: string; sha256: string } | null = pointer.version;
    for (let sequence = pointer.sequence; next !== null; sequence -= 1) {
      const { bytes, metadata } = await this.get(`${folder}/${next.key}`);
      assert.equal(sha256(bytes), next.sha256, `${next.key}: not the bytes that were saved`);
      assert.equal(metadata["scb-sequence"], String(sequence), `${next.key}: its sequence`);
      entries.push({ key: next.key, sequence, sha256: next.sha256 });
      const key = metadata["scb-previous-key"];
      const previousSha256 = metadata["scb-previous-sha256"];
      next =
        key === undefined || previousSha256 === undefined ? null : { key, sha256: previousSha256 };
    }
    assert.equal(entries.at(-1)?.sequence, 1, "the lineage begins with sequence 1");
    return entries;
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }
}

/** Fails if an acknowledged swap is missing from the lineage, or is there with other bytes. */
export function assertNothingLost(
  acknowledged: readonly LineageEntry[],
  lineage: readonly LineageEntry[],
): void {
  const kept = new Map(lineage.map((entry) => [entry.key, entry]));
  const lost = acknowledged.filter((entry) => kept.get(entry.key)?.sha256 !== entry.sha256);
  assert.deepEqual(
    lost,
    [],
    `${lost.length} of ${acknowledged.length} acknowledged swaps are lost`,
  );
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
