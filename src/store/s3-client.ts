import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { ScbError } from "../runtime/error.ts";
import { type HttpPatience, httpHandler } from "./http-handler.ts";
import { checkEndpoint } from "./location-text.ts";
import { explainedCredentials } from "./s3-credentials.ts";
import { checkRegion, type S3Style } from "./s3-location.ts";

export interface S3ClientOptions extends HttpPatience {
  /** Default: as the AWS tools look it up, or us-east-1 if there is an endpoint but no region. */
  readonly region?: string | undefined;
  /** Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`, then AWS. */
  readonly endpoint?: string | undefined;
  /** Default: "path" if there is an endpoint, because few services have a DNS name for each bucket. */
  readonly style?: S3Style | undefined;
  /** Provides the credentials, whatever the environment says. Default: as the AWS tools look them up. */
  readonly profile?: string | undefined;
}

/**
 * A client that sends each request once and reports the outcome. With the SDK's own retries, a
 * conditional put whose answer was lost would get a 412 caused by its own success.
 *
 * Credentials come from the standard chain: environment, profile, SSO, container or machine role. Throws
 * "usage", naming the variable, for unusable settings in the environment.
 */
export async function createS3Client(options: S3ClientOptions): Promise<S3Client> {
  const { endpoint, region } = await findS3Service(options);
  const { profile, style = endpoint === undefined ? "virtual" : "path" } = options;
  const config: S3ClientConfig = {
    maxAttempts: 1,
    forcePathStyle: style === "path",
    // Several compatible services refuse the SDK's default CRC32 checksums. Puts carry an MD5, which all
    // services accept and object lock requires, so AWS loses nothing either.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
    requestHandler: await httpHandler(options),
    credentialDefaultProvider: explainedCredentials(new S3Client({}).config, profile),
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
  const client = new S3Client(config);
  if (endpoint !== undefined) await checkSwitches(client);
  return client;
}

/** The service and region in use: from the options, or else from the environment and the profile. */
export async function findS3Service(
  options: Pick<S3ClientOptions, "region" | "endpoint" | "profile">,
): Promise<{ readonly endpoint: string | undefined; readonly region: string | undefined }> {
  // The SDK applies a configured endpoint too late for anything that depends on it, such as path style.
  const { profile } = options;
  const client = new S3Client(profile === undefined ? {} : { profile });
  try {
    const configured = await client.config.serviceConfiguredEndpoint?.();
    const endpoint = options.endpoint ?? endpointOf(configured);
    const fallback = endpoint === undefined ? undefined : "us-east-1";
    return { endpoint, region: options.region ?? (await regionOf(client)) ?? fallback };
  } finally {
    client.destroy();
  }
}

function endpointOf(configured: string | undefined): string | undefined {
  const text = configured?.trim() ?? "";
  const name = nameOf("the endpoint_url of the AWS profile", [
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
  ]);
  return text === "" ? undefined : checkEndpoint(text, name);
}

/** `AWS_DEFAULT_REGION` belongs to the AWS command line, and many users set only that. */
async function regionOf(client: S3Client): Promise<string | undefined> {
  const names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
  const inEnv = names.map((name) => process.env[name]?.trim()).find(Boolean);
  const place = nameOf("the region of the AWS profile", names);
  if (inEnv !== undefined) return checkRegion(inEnv, place);
  try {
    return await client.config.region();
  } catch (error) {
    if (error instanceof Error && error.message === "Region is missing") return undefined;
    throw new ScbError("usage", `${place} is not a region's name, such as eu-central-1`);
  }
}

/** AWS's own endpoint variants make no sense with another service's endpoint. */
async function checkSwitches({ config }: S3Client): Promise<void> {
  const switches = [
    { name: "AWS_USE_FIPS_ENDPOINT", isOn: config.useFipsEndpoint },
    { name: "AWS_USE_DUALSTACK_ENDPOINT", isOn: config.useDualstackEndpoint },
  ] as const;
  for (const { name, isOn } of switches) {
    const place = nameOf(`${name.slice(4).toLowerCase()} in the AWS profile`, [name]);
    if (!(await isOn())) continue;
    throw new ScbError(
      "usage",
      `${place} is set, and so is an endpoint: only AWS has FIPS and dual-stack endpoints; unset one of them`,
    );
  }
}

/** The first of these variables that is set; otherwise `otherwise`. */
function nameOf(otherwise: string, names: readonly string[]): string {
  return names.find((name) => (process.env[name]?.trim() ?? "") !== "") ?? otherwise;
}
