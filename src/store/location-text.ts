import { ScbError } from "../runtime/error.ts";
import { percentDecoded } from "../runtime/percent-decoded.ts";
import { isKeySegment } from "./object-key.ts";

/** How the kinds of stores read the text of a location. What was given is never repeated. */
export interface LocationText {
  /** For people: "the s3 location". */
  readonly name: string;
  /** For people: "s3://BUCKET[/PREFIX]". */
  readonly form: string;
  /** Where a credential belongs that stands in the location. */
  readonly credentialRemedy: string;
  /** What stands before the "@" is an account's name. */
  readonly hasAccount?: true;
}

/** Throws "usage", with the remedy where there is a credential in it. */
export function parseLocationUrl(text: string, location: LocationText): URL {
  const { name, form, credentialRemedy, hasAccount = false } = location;
  const unreadable = `${name} can not be read: it is given as ${form}`;
  const url = parseUrl(text, unreadable, credentialRemedy, hasAccount);
  if (url.port !== "" || url.hash !== "") throw usage(`${name} has no port and no #: ${form}`);
  return url;
}

/** What lies before the keys: without slash at either end, "" for none. */
export function parsePrefix(pathname: string, { name }: LocationText): string {
  const prefix = percentDecoded(pathname, "the location").replace(/^\//, "").replace(/\/$/, "");
  if (prefix === "" || prefix.split("/").every(isKeySegment)) return prefix;
  throw usage(
    `the prefix in ${name}: use segments of A-Z a-z 0-9 . _ - joined by /, none beginning with a dot`,
  );
}

/** The parameters after "?", each known and given once. */
export function parseParameters<Name extends string>(
  query: URLSearchParams,
  names: readonly Name[],
  { name: location, credentialRemedy }: LocationText,
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const [given, value] of query) {
    const name = names.find((known) => known === given);
    if (name === undefined) {
      if (/key|secret|token|pass|cred|sign/i.test(given)) throw usage(credentialRemedy);
      throw usage(`${location} has an unknown parameter: only ${inWords(names)} are known`);
    }
    if (found[name] !== undefined) throw usage(`${location} names ${name} twice`);
    found[name] = value;
  }
  return found;
}

/** The parameters as they stand in a location, "?" included. What a URL may hold there stays readable. */
export function formatParameters(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${encodeURIComponent(value).replaceAll(/%(2F|3A)/g, decodeURIComponent)}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** Returns `endpoint` in its usual form, or throws "usage", naming the place where it stands. */
export function checkEndpoint(endpoint: string, place: string): string {
  if (!/^https?:\/\//i.test(endpoint)) {
    throw usage(`${place} must begin with https:// or http://`);
  }
  const remedy = "credentials do not belong in an endpoint, where logs and process lists show them";
  const url = parseUrl(
    endpoint,
    `${place} can not be read: it is an address such as https://s3.example.com`,
    remedy,
  );
  if (url.search !== "" || url.hash !== "") throw usage(`${place} must have no ? and no #`);
  return url.href.replace(/\/$/, "");
}

export function parseUrl(
  text: string,
  unreadable: string,
  credentialRemedy: string,
  mayHaveUser = false,
): URL {
  if (!URL.canParse(text)) throw usage(unreadable);
  const url = new URL(text);
  if ((url.username !== "" && !mayHaveUser) || url.password !== "") throw usage(credentialRemedy);
  return url;
}

export function usage(message: string): ScbError {
  return new ScbError("usage", message);
}

function inWords(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
