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
import { type Clock, systemClock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { md5 } from "../runtime/md5.ts";
import { type ListingPage, listingPages } from "./listing-pages.ts";
import {
  checkFolderPrefix,
  checkKey,
  checkMetadata,
  checkPrefix,
  isKey,
  isKeySegment,
} from "./object-key.ts";
import {
  defaultMaxBytes,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutCondition,
  type PutOptions,
  type RequestOptions,
  type StoredObject,
} from "./object-store.ts";
import { S3Inspection } from "./s3-inspection.ts";
import { S3Requests } from "./s3-requests.ts";
import type { StoreInspection } from "./store-inspection.ts";
import { operationLimitMs } from "./time-limits.ts";

export interface S3StoreOptions {
  /** Made by `createS3Client`. The store closes it. */
  readonly client: S3Client;
  readonly bucket: string;
  /** No slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  readonly clock?: Clock;
}

type S3Page = ListObjectsV2CommandOutput & ListingPage;

/** A bucket, or the part of one under a prefix, on AWS or any S3-compatible service. */
export class S3Store implements ObjectStore {
  readonly location: string;
  readonly conditions = "enforced";
  readonly inspection: StoreInspection;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** "" or ends in "/". */
  readonly #root: string;
  readonly #requests: S3Requests;
  readonly #limitMs: number;
  readonly #clock: Clock;

  constructor({ client, bucket, prefix, requestTimeoutMs, clock = systemClock }: S3StoreOptions) {
    this.location = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    this.#client = client;
    this.#bucket = bucket;
    this.#root = prefix === "" ? "" : `${prefix}/`;
    this.#clock = clock;
    const { location } = this;
    this.#limitMs = operationLimitMs(requestTimeoutMs);
    this.#requests = new S3Requests({ client, location, requestTimeoutMs, clock });
    this.inspection = new S3Inspection({
      requests: this.#requests,
      bucket,
      root: this.#root,
      clock,
    });
  }

  /** The endpoint, or AWS and its region. */
  async service(): Promise<string> {
    const { config } = this.#client;
    const endpoint = await config.endpoint?.();
    if (endpoint === undefined) return `AWS ${await config.region()}`;
    const { protocol, hostname, port, path } = endpoint;
    return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkKey(key);
    const { signal, maxBytes = defaultMaxBytes } = options;
    let bytes: Uint8Array = new Uint8Array();
    const answer = await this.#requests.find(new GetObjectCommand(this.#target(key)), {
      doing: `read ${key}`,
      expected: { kind: "object" },
      maxBytes,
      signal,
      onAnswer: ({ body }) => {
        bytes = body;
      },
    });
    return answer === null ? null : { ...this.#info(key, answer, bytes.length), bytes };
  }

  async head(key: string, { signal }: RequestOptions = {}): Promise<ObjectInfo | null> {
    checkKey(key);
    let status = 0;
    try {
      const answer = await this.#requests.send(new HeadObjectCommand(this.#target(key)), {
        doing: `look at ${key}`,
        expected: { kind: "info" },
        signal,
        onAnswer: (given) => {
          status = given.status;
        },
      });
      return this.#info(key, answer, answer.ContentLength);
    } catch (error) {
      if (status < 300 || status >= 500) throw error;
    }
    // Here a refusal has no body, so it may concern the object, the bucket or a proxy. GET tells which.
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
      ContentMD5: md5(body).toString("base64"),
      ContentType: contentType ?? "application/octet-stream",
      Metadata: { ...metadata },
      ...conditionHeaders(condition),
    });
    const { ETag } = await this.#requests.send(command, {
      doing: `write ${key}`,
      expected: { kind: "written" },
      uploadBytes: body.length,
      condition,
      signal,
    });
    if (ETag === undefined) throw this.#notS3(`write ${key}`);
    return { etag: ETag };
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
        // On a versioned bucket, MinIO also names folders in which everything has been deleted.
        for await (const _ of this.list(`${prefix}${folder}/`, options)) {
          yield folder;
          break;
        }
      }
    }
  }

  async delete(key: string, { signal }: RequestOptions = {}): Promise<void> {
    checkKey(key);
    await this.#requests.find(new DeleteObjectCommand(this.#target(key)), {
      doing: `delete ${key}`,
      expected: { kind: "deleted" },
      signal,
    });
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #pages(
    prefix: string,
    delimiter: string | undefined,
    { startAfter, signal }: ListOptions,
  ): AsyncGenerator<S3Page> {
    const doing = prefix === "" ? "list" : `list ${prefix}`;
    const wanted = `${this.#root}${prefix}`;
    const refuse = (why: string): ScbError => this.#notS3(`${doing} ${why}`);
    const fetch = async (token: string | undefined): Promise<S3Page> => {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: wanted,
        Delimiter: delimiter,
        StartAfter: startAfter === undefined ? undefined : `${this.#root}${startAfter}`,
        ContinuationToken: token,
      });
      const expected = { kind: "document", root: "ListBucketResult" } as const;
      const answer = await this.#requests.send(command, { doing, expected, signal });
      const { Contents = [], CommonPrefixes = [], IsTruncated, NextContinuationToken } = answer;
      // It answers another request: reporting that nothing lies there would be wrong.
      if ((answer.Prefix ?? "") !== wanted) throw refuse("(it lists something else)");
      if (IsTruncated === undefined) throw refuse("to its end");
      if (IsTruncated && NextContinuationToken === undefined) throw refuse("to its end");
      return {
        ...answer,
        names: Contents.map(({ Key = "" }) => Key),
        folderCount: CommonPrefixes.length,
        next: IsTruncated ? (NextContinuationToken ?? null) : null,
      };
    };
    const { location } = this;
    return listingPages({
      doing: `${doing} in ${location}`,
      wanted,
      limitMs: this.#limitMs,
      clock: this.#clock,
      fetch,
      refuse,
    });
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
