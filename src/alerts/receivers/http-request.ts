import { lookup } from "node:dns";
import { request as plainRequest } from "node:http";
import { type RequestOptions, request as tlsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { ScbError } from "../../runtime/error.ts";
import { foreignText } from "../../runtime/foreign-text.ts";
import { addressOf, isPrivateAddress } from "../../runtime/private-address.ts";
import { proxyFor } from "../../runtime/proxy-environment.ts";
import { programVersion } from "../../runtime/version.ts";
import { undelivered } from "../undelivered.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** A user and a password in it are sent as basic authentication. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Secrets to remove from the answer. The URL's own parts are always removed. */
  readonly secrets?: readonly string[];
  /** The only bound: there is no timeout of its own. */
  readonly signal: AbortSignal;
}

/**
 * Sends one request, and resolves to the beginning of a 2xx answer, on one line. Follows no redirect,
 * because the message and the secret in the URL are for one host. Without TLS it connects only to loopback
 * and private addresses, whatever a name resolves to. Throws "undelivered" and "aborted".
 */
export async function httpRequest(options: HttpRequest): Promise<string> {
  const { url, signal } = options;
  const secrets = [...(options.secrets ?? []), ...secretsOf(url)];
  try {
    const answer = await answerTo(options);
    if (answer.status >= 200 && answer.status < 300) return foreignText(answer.text, secrets);
    throw new ScbError("undelivered", refusalText(answer, secrets));
  } catch (error) {
    if (signal.aborted) throw ScbError.from(signal.reason);
    throw undelivered(error, secrets);
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location: string | undefined;
}

async function answerTo({ method, url, headers, body, signal }: HttpRequest): Promise<Answer> {
  const isPlain = url.protocol === "http:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isPlain) assertPrivate(await addressOf(host, signal));
  const proxy = proxyFor(url, process.env);
  const agents = proxy === null ? null : await proxyAgents(proxy);
  const request: RequestOptions = {
    method,
    signal,
    agent: agents === null ? false : isPlain ? agents.httpAgent : agents.httpsAgent,
    headers: {
      "user-agent": `scb-mirror/${programVersion}`,
      ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
      ...headers,
    },
    ...(isPlain && proxy === null ? { lookup: privateLookup } : {}),
  };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = (isPlain ? plainRequest : tlsRequest)(url, request, (response) => {
    const { statusCode: status = 0, headers: answered } = response;
    const answer = (begins: string): void => {
      resolve({ status, text: begins, location: answered.location });
      response.destroy();
    };
    response.once("data", (chunk: Buffer) => answer(chunk.toString("utf8")));
    response.once("end", () => answer(""));
    response.once("error", reject);
  });
  sent.on("error", reject);
  sent.end(body);
  try {
    return await promise;
  } finally {
    agents?.httpAgent.destroy();
    agents?.httpsAgent.destroy();
  }
}

async function proxyAgents(proxy: NonNullable<ReturnType<typeof proxyFor>>) {
  const { agentsFor } = await import("../../runtime/proxy-agents.ts");
  return agentsFor(proxy);
}

/** Checks again, because a name may resolve to something else the second time. */
const privateLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, address, family) => {
    const found = typeof address === "string" ? [address] : (address ?? []).map((it) => it.address);
    const isPublic = error === null && !found.every(isPrivateAddress);
    callback(isPublic ? notPrivate() : error, address, family);
  });
};

function assertPrivate(address: string): void {
  if (!isPrivateAddress(address)) throw notPrivate();
}

export function notPrivate(): ScbError {
  return new ScbError(
    "undelivered",
    "it isn't in a private network, so messages need TLS: use https://, ntfys:// or smtps://",
  );
}

function refusalText({ status, text, location }: Answer, secrets: readonly string[]): string {
  if (status >= 300 && status < 400) {
    const to = location !== undefined && URL.canParse(location) ? new URL(location).host : "";
    return `it redirects (status ${status})${to === "" ? "" : ` to ${foreignText(to)}`}: give the URL that it redirects to`;
  }
  const says = foreignText(text, secrets);
  const answer = `status ${status}${says === "" ? "" : `: ${says}`}`;
  if (status === 407) return `the proxy wants a user and a password (${answer})`;
  if (status === 401 || status === 403) return `it refuses the token or the password (${answer})`;
  if (status === 404 || status === 410) return `there is nothing at this URL (${answer})`;
  return answer;
}

/** The parts of a URL that would let others act as the operator. */
function secretsOf(url: URL): string[] {
  const parts = [
    url.username,
    url.password,
    ...url.pathname.split("/"),
    ...url.searchParams.values(),
  ];
  return [url.href, ...parts, ...parts.map(decoded)].filter((part) => part.length >= 8);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
