import { shellQuote } from "../runtime/shell-quote.ts";
import { formatS3Location, parseS3Location, type S3Location, s3Text } from "./s3-location.ts";
import { mirrorPolicy } from "./s3-policy.ts";
import type { StockTools, StoreKind } from "./store-kind.ts";

/** Any S3-compatible service. Loads the AWS SDK only here, because it is large. */
export const s3Kind: StoreKind<S3Location> = {
  kind: "s3",
  scheme: "s3:",
  form: s3Text.form,
  parameters: "region=…&endpoint=…&style=virtual|path&profile=…",
  parse: parseS3Location,
  format: formatS3Location,
  async open({ bucket, prefix, region, endpoint, style, profile }, options) {
    const { requestTimeoutMs, connectTimeoutMs, clock } = options;
    const [{ createS3Client }, { S3Store }] = await Promise.all([
      import("./s3-client.ts"),
      import("./s3-store.ts"),
    ]);
    const patience = { requestTimeoutMs, connectTimeoutMs };
    const client = await createS3Client({ region, endpoint, style, profile, ...patience });
    return new S3Store({ client, bucket, prefix, requestTimeoutMs, clock });
  },
  async complete(location) {
    const { findS3Service } = await import("./s3-client.ts");
    const { endpoint, region } = await findS3Service(location);
    // A profile exists only on this machine.
    const { profile: _, ...place } = location;
    return {
      ...place,
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint: withoutCredentials(endpoint) }),
    };
  },
  access: {
    kept: "The credential that reads the bucket is kept",
    severalKept: "The credentials that read the buckets are kept",
    credentials:
      "Put the credential into the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if it has one) or into an AWS profile.",
    severalCredentials: "Two accounts need a profile each: ?profile=NAME in --to names it.",
  },
  leastRights: (location, folder) => ({
    advice: [
      "Give the mirror's user or role only this policy: it can't delete a backup. Turn on versioning for the bucket.",
    ],
    policy: {
      title: "IAM policy (AWS), or mc admin policy create (MinIO)",
      text: JSON.stringify(mirrorPolicy(location, folder), null, 2),
    },
  }),
  stockTools,
};

/** An endpoint from the environment may hold credentials, which the command line may not. */
function withoutCredentials(endpoint: string): string {
  const url = new URL(endpoint);
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href.replace(/\/$/, "");
}

/** `B` is where the node's backups are. `E` is the service, unless it is AWS. */
function stockTools({ bucket, prefix, region, endpoint }: S3Location, folder: string): StockTools {
  const path = prefix === "" ? folder : `${prefix}/${folder}`;
  const inRegion = region === undefined ? "" : ` --region ${shellQuote(region)}`;
  const flags = endpoint === undefined ? inRegion : `${inRegion} --endpoint-url "$E"`;
  const signed = region ?? "us-east-1";
  const service = endpoint ?? `https://s3.${signed}.amazonaws.com`;
  return {
    variables: [
      `B=${shellQuote(`s3://${bucket}/${path}`)}`,
      ...(endpoint === undefined ? [] : [`E=${shellQuote(endpoint)}`]),
    ],
    show: (key) => `aws s3 cp "$B/${key}" -${flags}`,
    copy: (key, to) => `aws s3 cp "$B/${key}" ${to}${flags}`,
    list: (below) => `aws s3 ls "$B/${below}"${flags}`,
    curl: {
      variables: [
        `U=${shellQuote(`${service}/${bucket}/${path}`)}`,
        `get() { curl -f --aws-sigv4 aws:amz:${signed}:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@"; }`,
      ],
      show: (key) => `get "$U/${key}"`,
      copy: (key, to) => `get -o ${to} "$U/${key}"`,
    },
  };
}
