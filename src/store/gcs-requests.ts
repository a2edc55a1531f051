import type { NodeHttpHandler } from "@smithy/node-http-handler";
import type { gaxios } from "google-auth-library";
import type { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { type Deadline, withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { CredentialsTrouble } from "./credentials-trouble.ts";
import { type GcsCredentials, gcsCredentials, noCredentials } from "./gcs-credentials.ts";
import {
  type GcsRefusal,
  notGcs,
  readRefusal,
  readTold,
  refusalError,
  service,
} from "./gcs-errors.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { exchange } from "./http-exchange.ts";
import { type HttpPatience, httpHandler } from "./http-handler.ts";
import { lateError } from "./http-meanings.ts";
import { operationLimitMs, transferMs } from "./time-limits.ts";

const googleEndpoint = "https://storage.googleapis.com";
/** The size limit of a token service's answer. */
const longestTokenBytes = 64 * 1024;
/** Where credentials come from, for people. */
const source = "the network, and where the credentials come from";
const decoder = new TextDecoder();

export interface GcsRequestsOptions extends HttpPatience {
  /** For people. */
  readonly location: string;
  readonly endpoint: string | undefined;
  /** A file with a credential. */
  readonly credentials: string | undefined;
  readonly clock: Clock;
}

/** One call of `ObjectStore`. All its requests must fit into its time limit. */
export interface GcsOperation {
  /** For people, completes "cannot …": "write node/latest.json". */
  readonly doing: string;
  readonly signal?: AbortSignal | undefined;
  readonly uploadBytes?: number;
}

export interface GcsRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  /** The part below the endpoint, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The size limit of the answer, if it is an object's bytes and not JSON. */
  readonly maxBytes?: number;
  /** Accept a 404 from anything, because the caller checks again before it concludes anything. */
  readonly mayBeGone?: boolean;
}

/** Sends the requests of one operation. */
export interface GcsSession {
  /** For people, completes "cannot …", with the location. */
  readonly doing: string;
  /** Returns a success or the service's refusal. Throws if the answer isn't the service's. */
  send(request: GcsRequest): Promise<HttpAnswer | GcsRefusal>;
  /** Returns the JSON of a success, or null for 404. Throws for any other refusal. */
  find<T>(request: GcsRequest, schema: z.ZodType<T>): Promise<T | null>;
}

/**
 * Sends requests to Google's JSON API, each once. It doesn't use Google's own client, for what was seen of
 * @google-cloud/storage 8.4.0: it takes no AbortSignal, a request with a limit of 300 ms was still running
 * after 5 s, a login page was listed as an empty bucket, and whole answers are held in memory. A newer release
 * has to pass test/store/gcs-hostile.test.ts before it may take this place.
 */
export class GcsRequests {
  /** For people. */
  readonly location: string;
  readonly endpoint: string;
  readonly #options: GcsRequestsOptions;
  readonly #handler: NodeHttpHandler;
  readonly #credentials: GcsCredentials;

  private constructor(options: GcsRequestsOptions, handler: NodeHttpHandler) {
    const { endpoint, credentials: file } = options;
    this.location = options.location;
    this.endpoint = endpoint ?? googleEndpoint;
    this.#options = options;
    this.#handler = handler;
    const transport = (request: gaxios.GaxiosOptionsPrepared): Promise<gaxios.GaxiosResponse> =>
      this.#token(request);
    this.#credentials = mayHaveCredentials(endpoint, file)
      ? gcsCredentials({ file, transport })
      : noCredentials;
  }

  /** Throws "usage" for an invalid proxy, and if credentials would be sent unencrypted. */
  static async open(options: GcsRequestsOptions): Promise<GcsRequests> {
    return new GcsRequests(options, await httpHandler(options));
  }

  /** Runs `work` within the operation's time limit. */
  async run<T>(operation: GcsOperation, work: (session: GcsSession) => Promise<T>): Promise<T> {
    const { location, requestTimeoutMs, clock } = this.#options;
    const { uploadBytes = 0, signal } = operation;
    const doing = `${operation.doing} in ${location}`;
    let isSent = false;
    const late = (): ScbError => lateError(doing, isSent, source);
    const ms = operationLimitMs(requestTimeoutMs) + transferMs(uploadBytes);
    return withinDeadline({ clock, ms, signal, late }, (deadline) => {
      const send = async (request: GcsRequest): Promise<HttpAnswer | GcsRefusal> => {
        const authorization = await this.#authorization(doing);
        isSent = true;
        return this.#send(request, { doing, deadline, authorization });
      };
      const find = async <F>(request: GcsRequest, schema: z.ZodType<F>): Promise<F | null> => {
        const answer = await send(request);
        if ("reason" in answer) {
          if (answer.status === 404) return null;
          throw refusalError(answer, doing);
        }
        return readJson(answer, schema, doing);
      };
      return work({ doing, send, find });
    });
  }

  close(): void {
    this.#handler.destroy();
  }

  async #send(
    request: GcsRequest,
    {
      doing,
      deadline,
      authorization,
    }: {
      readonly doing: string;
      readonly deadline: Deadline;
      readonly authorization: Readonly<Record<string, string>>;
    },
  ): Promise<HttpAnswer | GcsRefusal> {
    const {
      method = "GET",
      path,
      query = {},
      headers,
      body,
      maxBytes,
      mayBeGone = false,
    } = request;
    const url = new URL(`${this.endpoint}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const answer = await exchange(
      { method, url, headers: { ...headers, ...authorization }, body },
      {
        handler: this.#handler,
        requestTimeoutMs: this.#options.requestTimeoutMs,
        deadline,
        doing,
        service,
        kind: maxBytes === undefined ? "document" : "object",
        maxBytes: maxBytes ?? 0,
      },
    );
    const { status } = answer;
    if (status >= 200 && status < 300) return answer;
    const refusal =
      status === 404 && mayBeGone
        ? (readTold(answer) ?? { status, reason: "", text: "" })
        : readRefusal(answer, doing, url.href);
    if (refusal.status === 401) this.#credentials.forget();
    return refusal;
  }

  async #authorization(doing: string): Promise<Readonly<Record<string, string>>> {
    try {
      return await this.#credentials.headers();
    } catch (error) {
      if (!(error instanceof CredentialsTrouble)) throw error;
      const { errorCode, message, cause } = error;
      throw new ScbError(errorCode, `cannot ${doing}: ${message}`, { cause });
    }
  }

  /** The auth library's requests take the same path as all others: through proxies, within limits. */
  async #token(config: gaxios.GaxiosOptionsPrepared): Promise<gaxios.GaxiosResponse> {
    const { requestTimeoutMs, clock } = this.#options;
    const { url, method = "GET", headers, body } = config;
    const doing = `get a token from ${url.host}`;
    const ms = operationLimitMs(requestTimeoutMs);
    const late = (): ScbError => lateError(doing, true, source);
    const sent = body === undefined || body === null ? undefined : Buffer.from(String(body));
    const answer = await withinDeadline({ clock, ms, late }, (deadline) =>
      exchange(
        { method, url, headers: Object.fromEntries(headers.entries()), body: sent },
        {
          handler: this.#handler,
          requestTimeoutMs,
          deadline,
          doing,
          service: "a token service",
          kind: "nothing",
          maxBytes: longestTokenBytes,
        },
      ),
    );
    const text = decoder.decode(answer.body);
    const response = new Response(text, { status: answer.status });
    return Object.assign(response, { config, data: jsonOf(text) ?? text });
  }
}

/** Parses JSON of this shape, or throws "store-unknown": Google never sends anything else. */
export function readJson<T>(answer: HttpAnswer, schema: z.ZodType<T>, doing: string): T {
  const read = schema.safeParse(jsonOf(decoder.decode(answer.body)));
  if (answer.status === 200 && read.success) return read.data;
  throw new ScbError("store-unknown", `cannot ${doing}: ${notGcs(answer)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Google's own addresses get the credential. Any other gets it only if a file was named, so that a
 * simulator needs none. Throws "usage" if a token would be sent unencrypted.
 */
function mayHaveCredentials(endpoint: string | undefined, file: string | undefined): boolean {
  if (endpoint === undefined) return true;
  const { protocol, hostname } = new URL(endpoint);
  const isEncrypted = protocol === "https:";
  if (file === undefined) return isEncrypted && hostname.endsWith(".googleapis.com");
  if (isEncrypted || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) return true;
  throw new ScbError(
    "usage",
    "the endpoint in the gs location is not encrypted, so the credentials could be intercepted: use https://",
  );
}
