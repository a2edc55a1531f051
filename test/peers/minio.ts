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
import { provisionMinio } from "./provision.ts";
import { waitFor } from "./wait-for.ts";

export interface MinioOptions {
  /** Where it keeps its data. Default: a new temporary folder, removed on dispose. */
  readonly directory?: string;
}

export interface BucketOptions {
  readonly versioning?: boolean;
  readonly objectLock?: boolean;
}

/** A real MinIO on 127.0.0.1. */
export interface MinioServer extends AsyncDisposable {
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
  /** It takes connections and answers nothing, until it goes on. */
  freeze(): undefined;
  goOn(): undefined;
  /** Starts it again on the same port and folder; stops it first where it runs. */
  restart(): Promise<void>;
}

/** Starts MinIO, and returns when it answers. Builds it where it isn't cached. */
export async function startMinio({ directory }: MinioOptions = {}): Promise<MinioServer> {
  const minio = await provisionMinio();
  const folder = await mkdtemp(join(tmpdir(), "scb-minio-"));
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

  const start = async (): Promise<Child> => {
    const child = await startChild(
      "minio",
      minio,
      ["server", data, "--address", `127.0.0.1:${port}`, "--certs-dir", join(folder, "certs")],
      {
        logPath: join(folder, "minio.log"),
        env: {
          HOME: folder,
          MINIO_ROOT_USER: accessKeyId,
          MINIO_ROOT_PASSWORD: secretAccessKey,
          MINIO_REGION: region,
          MINIO_BROWSER: "off",
          MINIO_UPDATE: "off",
        },
      },
    );
    await waitFor(`MinIO on ${endpoint}`, () => client.send(new ListBucketsCommand({})), {
      timeoutMs: 60_000,
      everyMs: 50,
      details: child.logTail,
      hopeless: child.ended,
    });
    return child;
  };
  let child = await start();
  const setVersioning = async (name: string): Promise<void> => {
    await client.send(
      new PutBucketVersioningCommand({
        Bucket: name,
        VersioningConfiguration: { Status: "Enabled" },
      }),
    );
  };

  return {
    endpoint,
    accessKeyId,
    secretAccessKey,
    region,
    async createBucket(name, { versioning = false, objectLock = false } = {}) {
      await client.send(
        new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: objectLock }),
      );
      if (versioning) await setVersioning(name);
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
