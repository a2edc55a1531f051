import { pathToFileURL } from "node:url";
import { ScbError } from "../runtime/error.ts";
import { percentDecoded } from "../runtime/percent-decoded.ts";
import { isKeySegment } from "./object-key.ts";

/** Where a store is. Holds no credentials: those come from the standard AWS places. */
export type StoreLocation = S3Location | FileLocation;

/** A bucket, or what lies under a prefix of one. */
export interface S3Location {
  readonly kind: "s3";
  readonly bucket: string;
  /** Without slash at either end; "" for the bucket's root. */
  readonly prefix: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly style?: S3Style;
  /** The AWS profile that gives its credentials; by default the standard chain does. */
  readonly profile?: string;
}

/** Where the bucket's name stands: before the endpoint's host name, or at the beginning of the path. */
export type S3Style = "virtual" | "path";

/** A folder of this machine. */
export interface FileLocation {
  readonly kind: "file";
  /** Absolute. */
  readonly path: string;
}

const forms =
  "s3://BUCKET[/PREFIX][?region=…&endpoint=…&style=virtual|path&profile=…] or file:///PATH";
const credentialRemedy =
  "credentials do not belong in a location, where logs and process lists show them: use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile";
const bucketPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
/** White space separates stores. */
const profilePattern = /^[A-Za-z0-9_.@:+,=/-]{1,128}$/;
const regionPattern = /^[A-Za-z0-9-]{1,64}$/;

/**
 * Reads the value of `--to`: `s3://BUCKET[/PREFIX][?region=…&endpoint=…&style=…&profile=…]` or
 * `file:///PATH`.
 *
 * Throws `usage`. As the value may hold a credential where none should be, it is never repeated.
 */
export function parseLocation(text: string): StoreLocation {
  if (text.startsWith("s3://")) return parseS3(text);
  if (text.startsWith("file:")) return parseFile(text);
  throw usage(
    `a store is given as ${forms}${text.startsWith("/") ? "; a path needs file:// before it" : ""}`,
  );
}

/** The location as `parseLocation` reads it. */
export function formatLocation(location: StoreLocation): string {
  if (location.kind === "file") return pathToFileURL(location.path).href;
  const { bucket, prefix, region, endpoint, style, profile } = location;
  const query = [
    ...(region === undefined ? [] : [`region=${region}`]),
    // What a URL may hold unescaped after the ?, and an endpoint has, is left readable.
    ...(endpoint === undefined
      ? []
      : [`endpoint=${encodeURIComponent(endpoint).replaceAll(/%(2F|3A)/g, decodeURIComponent)}`]),
    ...(style === undefined ? [] : [`style=${style}`]),
    ...(profile === undefined ? [] : [`profile=${encodeURIComponent(profile)}`]),
  ];
  const path = prefix === "" ? "" : `/${prefix}`;
  return `s3://${bucket}${path}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

/** What a store is called: its location, with nothing of the query but the endpoint. */
export function storeName(location: StoreLocation): string {
  if (location.kind === "file") return formatLocation(location);
  const { kind, bucket, prefix, endpoint } = location;
  return formatLocation({ kind, bucket, prefix, ...(endpoint === undefined ? {} : { endpoint }) });
}

function parseS3(text: string): S3Location {
  const url = parseUrl(text, "an s3 location");
  if (url.port !== "" || url.hash !== "")
    throw usage(`an s3 location has no port and no #: ${forms}`);
  if (!bucketPattern.test(url.hostname)) {
    throw usage(
      "the bucket in the s3 location is not a bucket's name: use letters, digits, . _ and -",
    );
  }
  const prefix = percentDecoded(url.pathname, "the location").replace(/^\//, "").replace(/\/$/, "");
  if (prefix !== "" && !prefix.split("/").every(isKeySegment)) {
    throw usage(
      "the prefix in the s3 location: use segments of A-Z a-z 0-9 . _ - joined by /, none beginning with a dot",
    );
  }
  const { region, endpoint, style, profile } = parseQuery(url.searchParams);
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

const parameters = ["region", "endpoint", "style", "profile"] as const;
type Parameter = (typeof parameters)[number];

function parseQuery(query: URLSearchParams): Partial<Record<Parameter, string>> {
  const found: Partial<Record<Parameter, string>> = {};
  for (const [given, value] of query) {
    const name = parameters.find((parameter) => parameter === given);
    if (name === undefined) {
      if (/key|secret|token|pass|cred|sign/i.test(given)) throw usage(credentialRemedy);
      throw usage(
        "the s3 location has an unknown parameter: only region, endpoint, style and profile are known",
      );
    }
    if (found[name] !== undefined) throw usage(`the s3 location names ${name} twice`);
    found[name] = value;
  }
  return found;
}

/** Returns `region`, or throws "usage", naming the place where it stands. */
export function checkRegion(region: string, place: string): string {
  if (regionPattern.test(region)) return region;
  throw usage(`${place} is not a region's name, such as eu-central-1`);
}

/** Returns `endpoint` in its usual form, or throws "usage", naming the place where it stands. */
export function checkEndpoint(endpoint: string, place: string): string {
  if (!/^https?:\/\//i.test(endpoint)) {
    throw usage(`${place} must begin with https:// or http://`);
  }
  const url = parseUrl(endpoint, place);
  if (url.search !== "" || url.hash !== "") throw usage(`${place} must have no ? and no #`);
  return url.href.replace(/\/$/, "");
}

function checkStyle(style: string): S3Style {
  if (style === "virtual" || style === "path") return style;
  throw usage(
    "the style in the s3 location is virtual (the bucket's name in the host name) or path (in the path)",
  );
}

function checkProfile(profile: string): string {
  if (profilePattern.test(profile)) return profile;
  throw usage("the profile in the s3 location is not the name of an AWS profile, without spaces");
}

function parseFile(text: string): FileLocation {
  if (!text.startsWith("file:///")) {
    throw usage("a folder is given by its absolute path, with three slashes: file:///PATH");
  }
  if (/[?#]/.test(text)) {
    throw usage("a file location has no parameters: write ? as %3F and # as %23");
  }
  const path = percentDecoded(parseUrl(text, "a file location").pathname, "the location").replace(
    /\/+$/,
    "",
  );
  if (path === "") throw usage("the root of all files is no store: name a folder, as file:///PATH");
  if (path.includes("\0")) throw usage("a path can not hold a zero byte");
  return { kind: "file", path };
}

function parseUrl(text: string, what: string): URL {
  if (!URL.canParse(text)) throw usage(`${what} can not be read: a store is given as ${forms}`);
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") throw usage(credentialRemedy);
  return url;
}

function usage(message: string): ScbError {
  return new ScbError("usage", message);
}
