import type { StateSwapper } from "../../src/mirror/state-swapper.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";
import type { FaultGround } from "./fault-ground.ts";
import { makeSwapper } from "./mirror-fixture.ts";

/** Far above what a crowd on a busy machine needs. */
const requestTimeoutMs = 60_000;

/** A swapper on a folder of the ground's bucket, in this process, behind the proxy. */
export async function inProcessSwapper(
  { minio, proxy, bucket }: FaultGround,
  folder: string,
): Promise<StateSwapper> {
  process.env["AWS_ACCESS_KEY_ID"] = minio.accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = minio.secretAccessKey;
  const client = await createS3Client({
    region: minio.region,
    endpoint: proxy.endpoint,
    requestTimeoutMs,
    connectTimeoutMs: requestTimeoutMs,
  });
  const store = new S3Store({ client, bucket: bucket.name, prefix: folder, requestTimeoutMs });
  return makeSwapper(store, { clock: systemClock });
}
