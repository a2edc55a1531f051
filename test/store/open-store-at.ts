import type { Clock } from "../../src/runtime/clock.ts";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";

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

/** Runs with these variables set, or unset where they are undefined. */
export async function withEnv<T>(
  env: Readonly<Record<string, string | undefined>>,
  run: () => Promise<T>,
): Promise<T> {
  const saved = Object.keys(env).map((name) => [name, process.env[name]] as const);
  setAll(Object.entries(env));
  try {
    return await run();
  } finally {
    setAll(saved);
  }
}

function setAll(entries: readonly (readonly [name: string, value: string | undefined])[]): void {
  for (const [name, value] of entries) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
