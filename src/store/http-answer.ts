import { foreignText } from "../runtime/foreign-text.ts";

/** What a service answered, before anything is made of it. */
export interface HttpAnswer {
  readonly method: string;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Whole. The bytes of an object, too. */
  readonly body: Uint8Array;
}

/** What is said of an answer that isn't the store's, as a clause: `not` is "no S3 service". */
export function foreignAnswer(
  { status, headers }: HttpAnswer,
  not: string,
  detail?: string,
): string {
  const type = headers["content-type"];
  const facts = [`status ${status}`, ...(type === undefined ? [] : [foreignText(type)])];
  return `what answered (${[...facts, ...(detail === undefined ? [] : [detail])].join(", ")}) is ${not}: check the endpoint, or the proxy before the store`;
}

/** What a proxy says of being busy is as good as what the store says of it. */
export function codeOfForeign(status: number): "store-busy" | "store-unknown" {
  return status === 429 || status === 503 ? "store-busy" : "store-unknown";
}

/** Names the host alone: a location can hold credentials, in its path and query too. */
export function redirectionOf({ status, headers }: HttpAnswer, askedAt: string): string {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, askedAt)) {
    return `the answer is a redirect (status ${status}) that names no place: check the endpoint, or the proxy before the store`;
  }
  const asked = new URL(askedAt);
  const target = new URL(location, asked);
  const place = foreignText(`${target.protocol}//${target.host}`);
  const isUpgrade = target.protocol === "https:" && asked.protocol === "http:";
  const remedy =
    isUpgrade && target.hostname === asked.hostname
      ? `write ${place} as the endpoint`
      : "nothing is sent there; check the endpoint, the proxy before the store, and whether this network asks for a login";
  return `the answer is a redirect (status ${status}) to ${place}: ${remedy}`;
}
