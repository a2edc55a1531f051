import { ScbError } from "../runtime/error.ts";
import { percentDecoded } from "../runtime/percent-decoded.ts";
import { isKeySegment } from "./object-key.ts";

/** How store kinds parse a location. The given text is never repeated in a message. */
export interface LocationText {
  /** For people: "the s3 location". */
  readonly name: string;
  /** For people: "s3://BUCKET[/PREFIX]". */
  readonly form: string;
  /** Where a credential found in the location belongs. */
  readonly credentialRemedy: string;
  /** The part before the "@" is an account's name. */
  readonly hasAccount?: true;
}

/** Throws "usage", with the remedy if the location contains a credential. */
export function parseLocationUrl(text: string, location: LocationText): URL {
  const { name, form, credentialRemedy, hasAccount = false } = location;
  const unreadable = `${name} isn't valid: write it as ${form}`;
  const url = parseUrl(text, unreadable, credentialRemedy, hasAccount);
  if (url.port !== "" || url.hash !== "")
    throw usage(`${name} can't have a port or a #: write it as ${form}`);
  return url;
}

/** The prefix of all keys: no slash at either end, "" for none. */
export function parsePrefix(pathname: string, { name }: LocationText): string {
  const prefix = percentDecoded(pathname, "the location").replace(/^\//, "").replace(/\/$/, "");
  if (prefix === "" || prefix.split("/").every(isKeySegment)) return prefix;
  throw usage(
    `the prefix in ${name}: use segments of A-Z a-z 0-9 . _ - joined by /, none starting with a dot`,
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

/**
 * The parameters as written in a location, including "?". Characters that a URL permits there stay
 * readable.
 */
export function formatParameters(values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${encodeURIComponent(value).replaceAll(/%(2F|3A)/g, decodeURIComponent)}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** Returns `endpoint` in its usual form. Otherwise throws "usage", naming where it was given. */
export function checkEndpoint(endpoint: string, place: string): string {
  if (!/^https?:\/\//i.test(endpoint)) {
    throw usage(`${place} must start with https:// or http://`);
  }
  const remedy = "credentials don't belong in an endpoint, where logs and process lists show them";
  const url = parseUrl(
    endpoint,
    `${place} isn't valid: write an address such as https://s3.example.com`,
    remedy,
  );
  if (url.search !== "" || url.hash !== "") throw usage(`${place} can't have a ? or a #`);
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
