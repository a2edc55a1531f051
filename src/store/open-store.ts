import { type Clock, systemClock } from "../runtime/clock.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { FileStore } from "./file-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { parseLocation, type StoreLocation } from "./parse-location.ts";

/** How patient an opened store is, and with which clock. */
export interface OpenStoreOptions {
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  /** How long a request may take until its answer begins; all of it, three times that. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** How long a connection may take to be made. Default 5 s. Only for S3. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Opens the store at `location`, without asking it anything yet. As text it is read as `parseLocation`
 * does: throws "usage". The AWS SDK is large, so it is loaded only where it is used.
 */
export async function openStore(
  location: StoreLocation | string,
  options: OpenStoreOptions = {},
): Promise<ObjectStore> {
  const { logger = createLogger("warn"), requestTimeoutMs = 10_000 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  const place = typeof location === "string" ? parseLocation(location) : location;
  switch (place.kind) {
    case "file":
      return new FileStore({ root: place.path, requestTimeoutMs, logger, clock, random });
    case "s3": {
      const [{ createS3Client }, { S3Store }] = await Promise.all([
        import("./s3-client.ts"),
        import("./s3-store.ts"),
      ]);
      const { connectTimeoutMs = 5_000 } = options;
      const { bucket, prefix, region, endpoint, style, profile } = place;
      const client = await createS3Client({
        region,
        endpoint,
        style,
        profile,
        requestTimeoutMs,
        connectTimeoutMs,
      });
      return new S3Store({ client, bucket, prefix, requestTimeoutMs, clock });
    }
  }
}
