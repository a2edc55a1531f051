import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { waitFor } from "./wait-for.ts";

export interface BucketOptions {
  readonly versioning?: boolean;
  readonly objectLock?: boolean;
}

/** A real S3 server on 127.0.0.1. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  createBucket(name: string, options?: BucketOptions): Promise<void>;
  /** Switches versioning on. */
  setVersioning(name: string): Promise<void>;
  /** Variables for a child process: credentials, region, endpoint, and no profile of the user's. */
  env(): NodeJS.ProcessEnv;
  /** SIGTERM, and waits until it is gone. */
  stop(): Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Freezes it: it accepts connections but answers nothing until it resumes. */
  freeze(): undefined;
  goOn(): undefined;
  /** Starts it again on the same port and folder; stops it first if it runs. */
  restart(): Promise<void>;
}

/** What a server is started with. */
export interface S3Ground {
  readonly port: number;
  /** Its own folder, for whatever it keeps; exists. */
  readonly folder: string;
  /** Where its buckets are; exists, below `folder` by default. */
  readonly data: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** How one program is started as an S3 server. */
export interface S3Program {
  /** For messages. */
  readonly name: string;
  readonly path: string;
  /** Its arguments and environment, beyond HOME. It may write files into the folder. */
  start(ground: S3Ground): Promise<{
    readonly args: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
  }>;
}

/** Starts it, and returns when it answers. `directory`, if given, holds the data and isn't removed. */
export async function startS3Server(
  { name, path, start: startOf }: S3Program,
  directory?: string,
): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), "scb-s3-server-"));
  const data = directory ?? join(folder, "data");
  await mkdir(data, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const region = "us-east-1";
  const accessKeyId = "scb-test";
  const secretAccessKey = "scb-test-secret";
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const ground = { port, folder, data, accessKeyId, secretAccessKey, region };
  const { args, env } = await startOf(ground);

  const start = async (): Promise<Child> => {
    const logPath = join(folder, "server.log");
    const child = await startChild(name, path, args, { logPath, env: { HOME: folder, ...env } });
    await waitFor(`${name} on ${endpoint}`, () => client.send(new ListBucketsCommand({})), {
      timeoutMs: 60_000,
      everyMs: 50,
      details: child.logTail,
      hopeless: child.ended,
    });
    return child;
  };
  let child = await start();
  const setVersioning = async (bucket: string): Promise<void> => {
    await client.send(
      new PutBucketVersioningCommand({
        Bucket: bucket,
        VersioningConfiguration: { Status: "Enabled" },
      }),
    );
  };

  return {
    endpoint,
    accessKeyId,
    secretAccessKey,
    region,
    async createBucket(bucket, { versioning = false, objectLock = false } = {}) {
      await client.send(
        new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: objectLock }),
      );
      if (versioning) await setVersioning(bucket);
    },
    setVersioning,
    env: () => ({
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: undefined,
      AWS_REGION: region,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_PROFILE: undefined,
      AWS_CONFIG_FILE: join(folder, "no-config"),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "no-credentials"),
      AWS_EC2_METADATA_DISABLED: "true",
    }),
    stop: () => child.stop(),
    kill: () => child.stop("SIGKILL"),
    freeze: () => {
      process.kill(child.pid, "SIGSTOP");
      return undefined;
    },
    goOn: () => {
      process.kill(child.pid, "SIGCONT");
      return undefined;
    },
    async restart() {
      await child.stop();
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await child.stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
