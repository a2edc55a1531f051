import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { md5 } from "../runtime/md5.ts";
import {
  type BucketContent,
  BucketStore,
  type BucketTarget,
  type PageRequest,
} from "./bucket-store.ts";
import { headByGet } from "./head-by-get.ts";
import type { ListingPage } from "./listing-pages.ts";
import type { ObjectInfo, RequestOptions, StoredObject } from "./object-store.ts";
import { etagConditions } from "./put-condition.ts";
import { S3Inspection } from "./s3-inspection.ts";
import { S3Requests } from "./s3-requests.ts";
import type { StoreInspection } from "./store-inspection.ts";

export interface S3StoreOptions {
  /** Made by `createS3Client`. The store closes it. */
  readonly client: S3Client;
  readonly bucket: string;
  /** No slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly requestTimeoutMs: number;
  readonly clock?: Clock;
}

/** A bucket, or what lies under a prefix of one, on AWS or any S3-compatible service. */
export class S3Store extends BucketStore {
  readonly inspection: StoreInspection;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #requests: S3Requests;

  constructor({ client, bucket, prefix, requestTimeoutMs, clock = systemClock }: S3StoreOptions) {
    const location = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
    const expected = "an S3 service; check the endpoint";
    super({ location, prefix, requestTimeoutMs, clock, expected });
    this.#client = client;
    this.#bucket = bucket;
    const requests = new S3Requests({ client, location, requestTimeoutMs, clock });
    this.#requests = requests;
    this.inspection = new S3Inspection({ requests, bucket, root: this.root, clock });
  }

  /** The endpoint, or AWS and its region. */
  async service(): Promise<string> {
    const { config } = this.#client;
    const endpoint = await config.endpoint?.();
    if (endpoint === undefined) return `AWS ${await config.region()}`;
    const { protocol, hostname, port, path } = endpoint;
    return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`;
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  override async *listFolders(prefix: string, options: RequestOptions = {}): AsyncIterable<string> {
    for await (const folder of super.listFolders(prefix, options)) {
      // On a versioned bucket MinIO names folders too in which all has been deleted.
      for await (const _ of this.list(`${prefix}${folder}/`, options)) {
        yield folder;
        break;
      }
    }
  }

  protected async read(target: BucketTarget, maxBytes: number): Promise<StoredObject | null> {
    const { key, signal } = target;
    let bytes: Uint8Array = new Uint8Array();
    const answer = await this.#requests.find(new GetObjectCommand(this.#object(target)), {
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

  protected async look(target: BucketTarget): Promise<ObjectInfo | null> {
    const { key, signal } = target;
    let status = 0;
    try {
      const answer = await this.#requests.send(new HeadObjectCommand(this.#object(target)), {
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
    // A refusal has no body here: it may mean the object, the bucket or a proxy. GET says which.
    return headByGet(this, key, { signal });
  }

  protected async write(target: BucketTarget, content: BucketContent): Promise<{ etag: string }> {
    const { bytes, metadata, contentType, condition } = content;
    const { ifNoneMatch, ifMatch } = etagConditions(condition);
    const command = new PutObjectCommand({
      ...this.#object(target),
      Body: bytes,
      ContentMD5: md5(bytes).toString("base64"),
      ContentType: contentType,
      Metadata: { ...metadata },
      IfNoneMatch: ifNoneMatch,
      IfMatch: ifMatch,
    });
    const doing = `write ${target.key}`;
    const { ETag } = await this.#requests.send(command, {
      doing,
      expected: { kind: "written" },
      uploadBytes: bytes.length,
      condition,
      signal: target.signal,
    });
    if (ETag === undefined) throw this.notOurs(doing);
    return { etag: ETag };
  }

  protected async remove(target: BucketTarget): Promise<void> {
    await this.#requests.find(new DeleteObjectCommand(this.#object(target)), {
      doing: `delete ${target.key}`,
      expected: { kind: "deleted" },
      signal: target.signal,
    });
  }

  protected async page(request: PageRequest): Promise<ListingPage> {
    const { doing, prefix, isByFolder, startAfter, token, signal, refuse } = request;
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      Delimiter: isByFolder ? "/" : undefined,
      StartAfter: startAfter,
      ContinuationToken: token,
    });
    const expected = { kind: "document", root: "ListBucketResult" } as const;
    const answer = await this.#requests.send(command, { doing, expected, signal });
    const { Contents = [], CommonPrefixes = [], IsTruncated, NextContinuationToken } = answer;
    if (IsTruncated === undefined) throw refuse("to its end");
    if (IsTruncated && NextContinuationToken === undefined) throw refuse("to its end");
    const objects = Contents.map(({ Key, Size, LastModified }) => {
      if (Key === undefined || Size === undefined || LastModified === undefined) {
        throw refuse("(it leaves out what objects have)");
      }
      return { name: Key, sizeBytes: Size, modifiedAt: LastModified.getTime() };
    });
    const folders = CommonPrefixes.flatMap(({ Prefix }) => Prefix ?? []);
    const next = IsTruncated ? (NextContinuationToken ?? null) : null;
    return { objects, folders, prefix: answer.Prefix ?? "", next };
  }

  #info(
    key: string,
    { ETag, LastModified, Metadata = {} }: HeadObjectCommandOutput | GetObjectCommandOutput,
    sizeBytes: number | undefined,
  ): ObjectInfo {
    if (ETag === undefined || LastModified === undefined || sizeBytes === undefined) {
      throw this.notOurs(`read ${key}`);
    }
    return {
      key,
      sizeBytes,
      etag: ETag,
      modifiedAt: LastModified.getTime(),
      metadata: { ...Metadata },
    };
  }

  #object({ name }: BucketTarget): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: name };
  }
}
