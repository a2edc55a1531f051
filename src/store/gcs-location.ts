import {
  checkEndpoint,
  formatParameters,
  type LocationText,
  parseLocationUrl,
  parseParameters,
  parsePrefix,
  usage,
} from "./location-text.ts";

/** A bucket of Google Cloud Storage, or the part of one under a prefix. */
export interface GcsLocation {
  readonly kind: "gs";
  readonly bucket: string;
  /** No slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  /** A file with a credential. Default: Application Default Credentials. */
  readonly credentials?: string;
  /** Default: Google's endpoint. */
  readonly endpoint?: string;
}

export const gcsText = {
  name: "the gs location",
  form: "gs://BUCKET[/PREFIX]",
  credentialRemedy:
    "credentials don't belong in a location, where logs and process lists show them: name a file with them, as ?credentials=FILE or in GOOGLE_APPLICATION_CREDENTIALS",
} as const satisfies LocationText;

const bucketPattern = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;

/** Parses `gs://BUCKET[/PREFIX][?credentials=FILE&endpoint=…]`. Throws "usage". */
export function parseGcsLocation(text: string): GcsLocation {
  const url = parseLocationUrl(text, gcsText);
  if (!bucketPattern.test(url.hostname)) {
    throw usage(
      "the bucket in the gs location is not a bucket's name: use lower-case letters, digits, . _ and -",
    );
  }
  const prefix = parsePrefix(url.pathname, gcsText);
  const names = ["credentials", "endpoint"] as const;
  const { credentials, endpoint } = parseParameters(url.searchParams, names, gcsText);
  if (credentials === "") throw usage("the credentials in the gs location must be a file's path");
  return {
    kind: "gs",
    bucket: url.hostname,
    prefix,
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined
      ? {}
      : { endpoint: checkEndpoint(endpoint, "the endpoint in the gs location") }),
  };
}

export function formatGcsLocation(location: GcsLocation): string {
  const { bucket, prefix, credentials, endpoint } = location;
  const path = prefix === "" ? "" : `/${prefix}`;
  return `gs://${bucket}${path}${formatParameters({ credentials, endpoint })}`;
}
