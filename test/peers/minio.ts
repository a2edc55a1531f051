import { join } from "node:path";
import { provisionMinio } from "./provision.ts";
import { type S3Ground, type S3Server, startS3Server } from "./s3-server.ts";

export interface MinioOptions {
  /** Its data folder. Default: a new temporary folder, removed on dispose. */
  readonly directory?: string;
}

export type MinioServer = S3Server;

/** Starts MinIO, and returns when it answers. Builds it if it isn't cached. */
export async function startMinio({ directory }: MinioOptions = {}): Promise<MinioServer> {
  const path = await provisionMinio();
  const start = async ({ data, port, folder, accessKeyId, secretAccessKey, region }: S3Ground) => ({
    args: ["server", data, "--address", `127.0.0.1:${port}`, "--certs-dir", join(folder, "certs")],
    env: {
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_REGION: region,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
    },
  });
  return startS3Server({ name: "minio", path, start }, directory);
}
