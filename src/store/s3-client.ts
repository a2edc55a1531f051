import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";

export interface S3ClientOptions {
  /** Default: as the AWS tools look it up; us-east-1 where an endpoint is set and no region is. */
  readonly region?: string | undefined;
  /** Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`, then AWS. */
  readonly endpoint?: string | undefined;
  /** How long a request may take until its answer begins, and how long an answer may stall. */
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/**
 * A client that sends each request once and says what came of it. With the SDK's own retries a
 * conditional put whose answer was lost would be answered by the 412 that its own success causes.
 *
 * Credentials come from the standard chain: environment, profile, SSO, container or machine role.
 */
export async function createS3Client(options: S3ClientOptions): Promise<S3Client> {
  const { endpoint, region } = await findS3Service(options);
  const config: S3ClientConfig = {
    maxAttempts: 1,
    // Path style: with an endpoint of one's own there is seldom a DNS name for each bucket.
    forcePathStyle: endpoint !== undefined,
    // The SDK's default CRC32 checksums are refused by several compatible services. Puts carry an
    // MD5, which all take and which object lock asks for, so nothing is lost on AWS either.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: options.requestTimeoutMs,
      httpAgent: { keepAlive: true },
      httpsAgent: { keepAlive: true },
    }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
  return new S3Client(config);
}

/** Which service and region are used, by the options, else by environment and profile. */
export async function findS3Service(
  options: Pick<S3ClientOptions, "region" | "endpoint">,
): Promise<{ readonly endpoint: string | undefined; readonly region: string | undefined }> {
  const found = await lookUp();
  const endpoint = options.endpoint ?? found.endpoint;
  const fallback = endpoint === undefined ? undefined : "us-east-1";
  return { endpoint, region: options.region ?? found.region ?? fallback };
}

/**
 * What environment and profile say. The SDK applies a configured endpoint too late for anything to
 * depend on it, as path style does, so it is asked for first.
 */
async function lookUp(): Promise<{ endpoint: string | undefined; region: string | undefined }> {
  const client = new S3Client({});
  try {
    const endpoint = await client.config.serviceConfiguredEndpoint?.();
    return { endpoint, region: await regionOf(client) };
  } finally {
    client.destroy();
  }
}

async function regionOf(client: S3Client): Promise<string | undefined> {
  try {
    return await client.config.region();
  } catch (error) {
    if (error instanceof Error && error.message === "Region is missing") return undefined;
    throw error;
  }
}
