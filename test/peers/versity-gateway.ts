import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { provisionVersityGateway } from "./provision.ts";
import { type S3Ground, type S3Server, startS3Server } from "./s3-server.ts";

/**
 * Starts Versity's S3 gateway in front of a folder, and returns when it answers. Builds it if it isn't
 * cached. The folder's file system must have extended attributes, which is where it keeps metadata.
 */
export async function startVersityGateway(): Promise<S3Server> {
  const path = await provisionVersityGateway();
  const start = async ({ data, port, folder, accessKeyId, secretAccessKey, region }: S3Ground) => {
    const versions = join(folder, "versions");
    await mkdir(versions, { recursive: true });
    const backend = ["posix", "--versioning-dir", versions, data];
    return {
      args: ["--quiet", "--port", `127.0.0.1:${port}`, "--region", region, ...backend],
      env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    };
  };
  return startS3Server({ name: "versitygw", path, start });
}
