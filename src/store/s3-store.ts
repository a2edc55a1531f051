import { createHash, getFips } from "node:crypto";
import { IncomingMessage } from "node:http";
import { addAbortSignal } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { md5 } from "@noble/hashes/legacy.js";
import { throwIfAborted } from "../runtime/abort.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import {
  checkFolderPrefix,
  checkKey,
  checkMetadata,
  checkPrefix,
  isKey,
  isKeySegment,
} from "./object-key.ts";
import type {
  ListedObject,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  PutOptions,
  RequestOptions,
  StoredObject,
} from "./object-store.ts";
import { readS3Failure, saysMissing, translateS3Error } from "./s3-errors.ts";
import { S3Inspection } from "./s3-inspection.ts";
import type { StoreInspection } from "./store-inspection.ts";

/** A slower uplink than this is taken for a broken one: 16 KB/s. */
const slowestUploadBytesPerMs = 16;

export interface S3StoreOptions {
  /** As `createS3Client` makes it. The store closes it. */
  readonly client: S3Client;
  readonly bucket: string;
  /** Without slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  readonly clock?: Clock;
}

/** A bucket, or what lies under a prefix of one, on AWS or any S3-compatible service. */
export class S3Store implements ObjectStore {
  readonly location: string;
  readonly inspection: StoreInspection;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** "" or ends in "/". */
  readonly #root: string;
  readonly #requestTimeoutMs: number;
  readonly #clock: Clock;

  constructor({ client, bucket, prefix, requestTimeoutMs, clock = systemClock }: S3StoreOptions) {
    this.location = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    this.#client = client;
    this.#bucket = bucket;
    this.#root = prefix === "" ? "" : `${prefix}/`;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#clock = clock;
    const { location } = this;
    this.inspection = new S3Inspection({ client, bucket, root: this.#root, location, clock });
  }

  /** The endpoint, or AWS and its region. */
  async service(): Promise<string> {
    const { config } = this.#client;
    const endpoint = await config.endpoint?.();
    if (endpoint === undefined) return `AWS ${await config.region()}`;
    const { protocol, hostname, port, path } = endpoint;
    return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`;
  }

  async get(key: string, { signal }: RequestOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    return this.#attempt(`read ${key}`, { signal }, async () => {
      const command = new GetObjectCommand(this.#target(key));
      const answer = await unlessMissing(this.#client.send(command, this.#handling(signal)));
      if (answer === null) return null;
      const bytes = await this.#readBody(key, answer, signal);
      return { ...this.#info(key, answer, bytes.length), bytes };
    });
  }

  async head(key: string, { signal }: RequestOptions = {}): Promise<ObjectInfo | null> {
    checkKey(key);
    const info = await this.#attempt(`look at ${key}`, { signal }, async () => {
      const command = new HeadObjectCommand(this.#target(key));
      const answer = await unless404(this.#client.send(command, this.#handling(signal)));
      return answer === null ? null : this.#info(key, answer, answer.ContentLength);
    });
    if (info !== null) return info;
    // A 404 without a body may mean the object, the bucket or a proxy; the answer to GET says which.
    const object = await this.get(key, { signal });
    if (object === null) return null;
    const { bytes: _, ...found } = object;
    return found;
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    checkKey(key);
    const { condition, metadata = {}, contentType, signal } = options;
    checkMetadata(metadata);
    const body = Buffer.from(bytes);
    const command = new PutObjectCommand({
      ...this.#target(key),
      Body: body,
      ContentMD5: md5Base64(body),
      ContentType: contentType ?? "application/octet-stream",
      Metadata: { ...metadata },
      ...conditionHeaders(condition),
    });
    const requestTimeout = this.#requestTimeoutMs + body.length / slowestUploadBytesPerMs;
    return this.#attempt(`write ${key}`, { signal, condition }, async () => {
      const answer = await this.#client.send(command, {
        ...this.#handling(signal),
        requestTimeout,
      });
      if (answer.ETag !== undefined) return { etag: answer.ETag };
      throw new ScbError(
        "store-unknown",
        `no ETag came back for ${key} in ${this.location}: is the endpoint an S3 service?`,
      );
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    for await (const page of this.#pages(prefix, undefined, options)) {
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        const key = this.#relative(Key);
        if (key === undefined || !isKey(key)) continue;
        if (Size === undefined || LastModified === undefined) throw this.#notS3(`list ${key}`);
        yield { key, sizeBytes: Size, modifiedAt: LastModified.getTime() };
      }
    }
  }

  async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    checkFolderPrefix(prefix);
    for await (const page of this.#pages(prefix, "/", options)) {
      for (const { Prefix } of page.CommonPrefixes ?? []) {
        const folder = this.#relative(Prefix)?.slice(prefix.length, -1);
        if (folder === undefined || !isKeySegment(folder)) continue;
        // On a versioned bucket MinIO names folders too in which all has been deleted.
        for await (const _ of this.list(`${prefix}${folder}/`, options)) {
          yield folder;
          break;
        }
      }
    }
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    await this.#attempt(`delete ${key}`, { signal }, async () => {
      const command = new DeleteObjectCommand(this.#target(key));
      await unlessMissing(this.#client.send(command, this.#handling(signal)));
    });
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** The pages of a listing. One that does not get on would never end, so that is an error. */
  async *#pages(
    prefix: string,
    delimiter: string | undefined,
    { startAfter, signal }: ListOptions,
  ): AsyncGenerator<ListObjectsV2CommandOutput> {
    let token: string | undefined;
    let last = "";
    for (;;) {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: `${this.#root}${prefix}`,
        Delimiter: delimiter,
        StartAfter: startAfter === undefined ? undefined : `${this.#root}${startAfter}`,
        ContinuationToken: token,
      });
      const page = await this.#attempt(prefix === "" ? "list" : `list ${prefix}`, { signal }, () =>
        this.#client.send(command, this.#handling(signal)),
      );
      for (const { Key = "" } of page.Contents ?? []) {
        if (Key <= last) throw this.#notS3(`list ${prefix} (its keys are out of order)`);
        last = Key;
      }
      yield page;
      const next = page.NextContinuationToken;
      if (page.IsTruncated !== true) return;
      if (next === undefined || next === token) throw this.#notS3(`list ${prefix} to its end`);
      token = next;
    }
  }

  /**
   * Node ends a body with an error that is shorter than its Content-Length, or lacks its last chunk.
   * One that ends with its connection could come short unnoticed, so it is not taken.
   */
  async #readBody(
    key: string,
    { Body, ContentLength }: GetObjectCommandOutput,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (!(Body instanceof IncomingMessage)) throw this.#notS3(`read ${key}`);
    if (ContentLength === undefined && Body.headers["transfer-encoding"] === undefined) {
      Body.destroy();
      throw new ScbError(
        "store-unknown",
        `the answer to read ${key} in ${this.location} does not say how long it is, so it may be cut off: is there a proxy before the store?`,
      );
    }
    if (signal !== undefined) addAbortSignal(signal, Body);
    const chunks: Uint8Array[] = [];
    for await (const chunk of Body) chunks.push(chunk);
    return new Uint8Array(Buffer.concat(chunks));
  }

  #info(
    key: string,
    { ETag, LastModified, Metadata = {} }: HeadObjectCommandOutput | GetObjectCommandOutput,
    sizeBytes: number | undefined,
  ): ObjectInfo {
    if (ETag === undefined || LastModified === undefined || sizeBytes === undefined) {
      throw this.#notS3(`read ${key}`);
    }
    return {
      key,
      sizeBytes,
      etag: ETag,
      modifiedAt: LastModified.getTime(),
      metadata: { ...Metadata },
    };
  }

  async #attempt<T>(
    what: string,
    { signal, condition }: Pick<PutOptions, "signal" | "condition">,
    run: () => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    try {
      return await run();
    } catch (error) {
      const doing = `${what} in ${this.location}`;
      throw translateS3Error(error, { doing, condition, signal, clock: this.#clock });
    }
  }

  #notS3(doing: string): ScbError {
    return new ScbError(
      "store-rejected",
      `cannot ${doing} in ${this.location}: the answer is not that of an S3 service; check the endpoint`,
    );
  }

  #target(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#root}${key}` };
  }

  #relative(key: string | undefined): string | undefined {
    return key?.startsWith(this.#root) === true ? key.slice(this.#root.length) : undefined;
  }

  #handling(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
    return signal === undefined ? {} : { abortSignal: signal };
  }
}

/** Node's own MD5 is several times faster than noble's, and is switched off in FIPS mode. */
function md5Base64(body: Uint8Array): string {
  if (getFips() === 1) return Buffer.from(md5(body)).toString("base64");
  return createHash("md5").update(body).digest("base64");
}

function conditionHeaders(condition: PutCondition | undefined): {
  IfNoneMatch?: "*";
  IfMatch?: string;
} {
  switch (condition?.kind) {
    case undefined:
      return {};
    case "absent":
      return { IfNoneMatch: "*" };
    case "match":
      return { IfMatch: condition.etag };
  }
}

async function unless404<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (readS3Failure(error).status === 404) return null;
    throw error;
  }
}

/** Null for an answer that the object is not there. That the bucket is not there is an error. */
async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (saysMissing(readS3Failure(error))) return null;
    throw error;
  }
}
