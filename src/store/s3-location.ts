import {
  checkEndpoint,
  formatParameters,
  type LocationText,
  parseLocationUrl,
  parseParameters,
  parsePrefix,
  usage,
} from "./location-text.ts";

/** A bucket, or the part of one under a prefix. Credentials come from the standard AWS places. */
export interface S3Location {
  readonly kind: "s3";
  readonly bucket: string;
  /** No slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly style?: S3Style;
  /** The AWS profile that provides its credentials. Default: the standard chain. */
  readonly profile?: string;
}

/** Where requests name the bucket: before the endpoint's host name, or at the start of the path. */
export type S3Style = "virtual" | "path";

export const s3Text = {
  name: "the s3 location",
  form: "s3://BUCKET[/PREFIX]",
  credentialRemedy:
    "credentials don't belong in a location, where logs and process lists show them: use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
} as const satisfies LocationText;

const bucketPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
/** No white space, because that separates stores. */
const profilePattern = /^[A-Za-z0-9_.@:+,=/-]{1,128}$/;
const regionPattern = /^[A-Za-z0-9-]{1,64}$/;

/** Parses `s3://BUCKET[/PREFIX][?region=…&endpoint=…&style=…&profile=…]`. Throws "usage". */
export function parseS3Location(text: string): S3Location {
  const url = parseLocationUrl(text, s3Text);
  if (!bucketPattern.test(url.hostname)) {
    throw usage(
      "the bucket in the s3 location is not a bucket's name: use letters, digits, . _ and -",
    );
  }
  const prefix = parsePrefix(url.pathname, s3Text);
  const names = ["region", "endpoint", "style", "profile"] as const;
  const { region, endpoint, style, profile } = parseParameters(url.searchParams, names, s3Text);
  return {
    kind: "s3",
    bucket: url.hostname,
    prefix,
    ...(region === undefined
      ? {}
      : { region: checkRegion(region, "the region in the s3 location") }),
    ...(endpoint === undefined
      ? {}
      : { endpoint: checkEndpoint(endpoint, "the endpoint in the s3 location") }),
    ...(style === undefined ? {} : { style: checkStyle(style) }),
    ...(profile === undefined ? {} : { profile: checkProfile(profile) }),
  };
}

export function formatS3Location(location: S3Location): string {
  const { bucket, prefix, region, endpoint, style, profile } = location;
  const path = prefix === "" ? "" : `/${prefix}`;
  return `s3://${bucket}${path}${formatParameters({ region, endpoint, style, profile })}`;
}

/** Returns `region`. Otherwise throws "usage", naming where it was given. */
export function checkRegion(region: string, place: string): string {
  if (regionPattern.test(region)) return region;
  throw usage(`${place} is not a region's name, such as eu-central-1`);
}

function checkStyle(style: string): S3Style {
  if (style === "virtual" || style === "path") return style;
  throw usage(
    "the style in the s3 location must be virtual (the bucket's name is in the host name) or path (it is in the path)",
  );
}

function checkProfile(profile: string): string {
  if (profilePattern.test(profile)) return profile;
  throw usage("the profile in the s3 location is not the name of an AWS profile, without spaces");
}
