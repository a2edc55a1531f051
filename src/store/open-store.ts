import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { FileStore } from "./file-store.ts";
import type { ObjectStore } from "./object-store.ts";
import type { StoreLocation } from "./parse-location.ts";

export interface OpenStoreOptions {
  readonly logger: Logger;
  /** How long a request may take until its answer begins; all of it, three times that. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may take to be made. Default 5 s. Only for S3. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Opens the store at `location`, without asking it anything yet. The AWS SDK is large, so it is
 * loaded only where it is used.
 */
export async function openStore(
  location: StoreLocation,
  options: OpenStoreOptions,
): Promise<ObjectStore> {
  const { logger, requestTimeoutMs = 10_000 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  switch (location.kind) {
    case "file":
      return new FileStore({ root: location.path, requestTimeoutMs, logger, clock, random });
    case "s3": {
      const [{ createS3Client }, { S3Store }] = await Promise.all([
        import("./s3-client.ts"),
        import("./s3-store.ts"),
      ]);
      const { connectTimeoutMs = 5_000 } = options;
      const { bucket, prefix, region, endpoint, style } = location;
      const client = await createS3Client({
        region,
        endpoint,
        style,
        requestTimeoutMs,
        connectTimeoutMs,
      });
      return new S3Store({ client, bucket, prefix, requestTimeoutMs, clock });
    }
  }
}
