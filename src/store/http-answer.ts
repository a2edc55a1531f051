import { foreignText } from "../runtime/foreign-text.ts";

/** An answer of a service, before it is interpreted. */
export interface HttpAnswer {
  readonly method: string;
  readonly status: number;
  /** Keyed by lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The whole body, even if it is an object. */
  readonly body: Uint8Array;
}

/** Describes an answer that isn't the store's, as a clause. `not` completes it: "not an S3 service". */
export function foreignAnswer(
  { status, headers }: HttpAnswer,
  not: string,
  detail?: string,
): string {
  const type = headers["content-type"];
  const facts = [`status ${status}`, ...(type === undefined ? [] : [foreignText(type)])];
  return `what answered (${[...facts, ...(detail === undefined ? [] : [detail])].join(", ")}) is ${not}: check the endpoint, or the proxy in front of the store`;
}

/** A proxy's "busy" counts like the store's. */
export function codeOfForeign(status: number): "store-busy" | "store-unknown" {
  return status === 429 || status === 503 ? "store-busy" : "store-unknown";
}

/** Names only the host, because a location may hold credentials in its path and query. */
export function redirectionOf({ status, headers }: HttpAnswer, askedAt: string): string {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, askedAt)) {
    return `the answer is a redirect (status ${status}) without a target: check the endpoint, or the proxy in front of the store`;
  }
  const asked = new URL(askedAt);
  const target = new URL(location, asked);
  const place = foreignText(`${target.protocol}//${target.host}`);
  const isUpgrade = target.protocol === "https:" && asked.protocol === "http:";
  const remedy =
    isUpgrade && target.hostname === asked.hostname
      ? `use ${place} as the endpoint`
      : "nothing is sent there; check the endpoint, the proxy in front of the store, and whether this network requires a login";
  return `the answer is a redirect (status ${status}) to ${place}: ${remedy}`;
}
