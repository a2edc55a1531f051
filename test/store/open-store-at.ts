import type { Clock } from "../../src/runtime/clock.ts";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";
import { withEnv } from "../support/env.ts";

/** What a hostile service must never see in a message: the credentials of `withSecrets`. */
export const secretPattern = /secret-of-test|token-of-test|ACCESSKEYOFTEST/;

const secrets = {
  AWS_ACCESS_KEY_ID: "ACCESSKEYOFTEST",
  AWS_SECRET_ACCESS_KEY: "secret-of-test",
  AWS_SESSION_TOKEN: "token-of-test",
};

/** A store on a service of the test's own, impatient: 0.4 s for an answer to begin. */
export async function openStoreAt(
  endpoint: string,
  clock?: Clock,
  requestTimeoutMs = 400,
): Promise<S3Store> {
  const client = await createS3Client({
    endpoint,
    region: "us-east-1",
    requestTimeoutMs,
    connectTimeoutMs: 300,
  });
  return new S3Store({
    client,
    bucket: "bucket",
    prefix: "pre",
    requestTimeoutMs,
    ...(clock === undefined ? {} : { clock }),
  });
}

/** Credentials are looked up with the first request, so the environment must hold until then. */
export async function withSecrets<T>(run: () => Promise<T>): Promise<T> {
  return withEnv(secrets, run);
}
