import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { isKeySegment } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * The part of `S3Client` in `@aws-sdk/client-s3` version 3 that is used, so any copy of that package will
 * do.
 */
export interface S3ClientLike {
  readonly config: { readonly maxAttempts: () => Promise<number> };
  send(command: never, options?: never): Promise<unknown>;
  destroy(): void;
}

/** The bucket, and the client that reaches it. */
export interface S3StoreFromClientOptions {
  /**
   * Uses the client's own credentials, region, endpoint, agents and timeouts. The store closes the
   * client. It must send each request once (`maxAttempts: 1`).
   */
  readonly client: S3ClientLike;
  readonly bucket: string;
  /** Segments of `A-Za-z0-9._-` joined by "/". Default: the bucket's root. */
  readonly prefix?: string;
  /** How long until an answer must begin; the whole answer may take three times that. Default 10 s. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * A bucket as an `ObjectStore`, through the program's own client.
 *
 * Throws "usage" for an invalid prefix, and for a client that repeats requests: a conditional write whose
 * answer was lost would then get a 412 caused by its own success.
 */
export async function s3Store(options: S3StoreFromClientOptions): Promise<ObjectStore> {
  const { client, bucket, prefix = "", requestTimeoutMs = 10_000, clock } = options;
  if (prefix !== "" && !prefix.split("/").every(isKeySegment)) {
    throw new ScbError(
      "usage",
      `the prefix ${JSON.stringify(prefix)}: use segments of A-Z a-z 0-9 . _ - joined by /, none starting with a dot`,
    );
  }
  const attempts = await client.config.maxAttempts();
  if (attempts !== 1) {
    throw new ScbError(
      "usage",
      `the S3 client sends a request up to ${attempts} times: create it with maxAttempts: 1; otherwise a lost answer looks like a lost race`,
    );
  }
  const { S3Store } = await import("./s3-store.ts");
  return new S3Store({
    client: client as unknown as S3Client,
    bucket,
    prefix,
    requestTimeoutMs,
    ...(clock && { clock }),
  });
}
