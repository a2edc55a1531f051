import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { provisionMoto } from "./provision.ts";
import { waitFor } from "./wait-for.ts";

/** A moto on 127.0.0.1: AWS as its tests see it. It takes any credentials. */
export interface MotoServer extends AsyncDisposable {
  /** Variables for this process or a child's. */
  env(): NodeJS.ProcessEnv;
  createVersionedBucket(name: string): Promise<void>;
}

/** Starts moto, and returns when it answers. Installs it if it is missing. */
export async function startMoto(): Promise<MotoServer> {
  const pythonEnv = await provisionMoto();
  const folder = await mkdtemp(join(tmpdir(), "scb-moto-"));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: "scb-test", secretAccessKey: "scb-test-secret" };
  const region = "us-east-1";
  const client = new S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const child = await startChild(
    "moto",
    "python3",
    ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    { logPath: join(folder, "moto.log"), env: { ...process.env, ...pythonEnv } },
  );
  await waitFor(`moto on ${endpoint}`, () => client.send(new ListBucketsCommand({})), {
    timeoutMs: 60_000,
    everyMs: 100,
    details: child.logTail,
    hopeless: child.ended,
  });
  return {
    env: () => ({
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: region,
      AWS_ENDPOINT_URL_S3: endpoint,
    }),
    async createVersionedBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }));
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await child.stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
