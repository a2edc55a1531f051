import { AsyncLocalStorage } from "node:async_hooks";
import { Readable } from "node:stream";
import {
  AnonymousCredential,
  ContainerClient,
  type HttpOperationResponse,
  type StoragePipelineOptions,
  type WebResource,
} from "@azure/storage-blob";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Clock } from "../runtime/clock.ts";
import { type Deadline, withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { findAzureCredentials } from "./azure-credentials.ts";
import { checkAnswer, notAzure, refusalError, service } from "./azure-errors.ts";
import type { AzureLocation } from "./azure-location.ts";
import { CredentialsTrouble } from "./credentials-trouble.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { exchange } from "./http-exchange.ts";
import { type HttpPatience, httpHandler } from "./http-handler.ts";
import { lateError } from "./http-meanings.ts";
import { operationLimitMs, transferMs } from "./time-limits.ts";

/** Where credentials come from, for people. */
const source = "the network, and where the credentials come from";

export interface AzureRequestsOptions extends HttpPatience {
  readonly location: AzureLocation;
  readonly clock: Clock;
}

/** One call of `ObjectStore`. All its requests must fit into its time limit. */
export interface AzureOperation {
  /** For people, completes "cannot …": "write node/latest.json". */
  readonly doing: string;
  readonly signal?: AbortSignal | undefined;
  readonly uploadBytes?: number;
  /** The size limit of the answer, if it is a blob's bytes and not a document. */
  readonly maxBytes?: number;
}

/** What the SDK's requests of one operation share, and the outcome of the last one. */
interface Session extends AzureOperation {
  readonly deadline: Deadline;
  isSent: boolean;
  answer?: HttpAnswer;
  refusal?: ScbError;
}

/** Calls the SDK within one operation. */
export interface AzureSession {
  /** For people, completes "cannot …", with the location. */
  readonly doing: string;
  /**
   * Runs one call. Returns the answer and what the SDK made of it; if the service refused, the answer
   * without a value. Throws if the answer isn't Azure's.
   */
  ask<T>(
    call: (container: ContainerClient, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly answer: HttpAnswer; readonly value: T | undefined }>;
}

/**
 * Sends the requests of Microsoft's SDK, each once, and passes only Azure's answers on to it. Bodies are
 * read here, within limits of time and memory, and checked first.
 */
export class AzureRequests {
  /** For people. */
  readonly location: string;
  readonly endpoint: string;
  readonly #options: AzureRequestsOptions;
  readonly #handler: NodeHttpHandler;
  readonly #sessions = new AsyncLocalStorage<Session>();
  #container: Promise<ContainerClient> | undefined;

  private constructor(options: AzureRequestsOptions, handler: NodeHttpHandler) {
    const { account, container, prefix, endpoint } = options.location;
    this.location = `abs://${account}@${container}${prefix === "" ? "" : `/${prefix}`}`;
    this.endpoint = endpoint ?? `https://${account}.blob.core.windows.net`;
    this.#options = options;
    this.#handler = handler;
  }

  /** Throws "usage" for an invalid proxy. */
  static async open(options: AzureRequestsOptions): Promise<AzureRequests> {
    return new AzureRequests(options, await httpHandler(options));
  }

  /** Runs `work` within the operation's time limit. */
  async run<T>(operation: AzureOperation, work: (session: AzureSession) => Promise<T>): Promise<T> {
    const { requestTimeoutMs, clock } = this.#options;
    const { uploadBytes = 0, signal } = operation;
    const doing = `${operation.doing} in ${this.location}`;
    const state = { isSent: false };
    const late = (): ScbError => lateError(doing, state.isSent, source);
    const ms = operationLimitMs(requestTimeoutMs) + transferMs(uploadBytes);
    return withinDeadline({ clock, ms, signal, late }, (deadline) => {
      const ask: AzureSession["ask"] = async (call) => {
        const container = await this.#client();
        const session: Session = { ...operation, doing, deadline, isSent: false };
        try {
          const value = await this.#sessions.run(session, () => call(container, deadline.signal));
          const { answer } = session;
          if (answer === undefined) throw new Error("the SDK asked nobody");
          return { answer, value };
        } catch (error) {
          const { answer, refusal } = session;
          if (refusal !== undefined) throw refusal;
          if (error instanceof CredentialsTrouble) {
            const { errorCode, message, cause } = error;
            throw new ScbError(errorCode, `cannot ${doing}: ${message}`, { cause });
          }
          // The SDK turns refusals into errors, but ours are made from the answer itself.
          if (answer !== undefined && answer.status >= 300) return { answer, value: undefined };
          throw unreadable(error, doing, answer);
        } finally {
          state.isSent ||= session.isSent;
        }
      };
      return work({ doing, ask });
    });
  }

  /** The error for a refusal by the service. */
  refused(answer: HttpAnswer, doing: string): ScbError {
    return refusalError(answer, doing, this.#options.clock);
  }

  close(): void {
    this.#handler.destroy();
  }

  #client(): Promise<ContainerClient> {
    this.#container ??= this.#newClient().catch((error: unknown) => {
      this.#container = undefined;
      throw error;
    });
    return this.#container;
  }

  async #newClient(): Promise<ContainerClient> {
    const { location } = this.#options;
    const credentials = await findAzureCredentials(location);
    const { protocol, hostname } = new URL(this.endpoint);
    const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
    // A key only signs. Credentials sent as they are could be intercepted.
    if (credentials.kind !== "key" && protocol !== "https:" && !isLocal) {
      throw new ScbError(
        "usage",
        "the endpoint in the abs location is not encrypted, so the credentials could be intercepted: use https://",
      );
    }
    const options: StoragePipelineOptions = {
      retryOptions: { maxTries: 1 },
      httpClient: { sendRequest: (request) => this.#send(request) },
    };
    const url = `${this.endpoint}/${location.container}`;
    return credentials.kind === "sas"
      ? new ContainerClient(`${url}?${credentials.sas}`, new AnonymousCredential(), options)
      : new ContainerClient(url, credentials.credential, options);
  }

  async #send(request: WebResource): Promise<HttpOperationResponse> {
    const session = this.#sessions.getStore();
    if (session === undefined) throw new Error("a request of the SDK that belongs to no operation");
    try {
      const answer = await this.#exchange(request, session);
      session.answer = answer;
      return responseOf(request, answer, session.maxBytes !== undefined);
    } catch (error) {
      if (error instanceof ScbError) session.refusal = error;
      throw error;
    }
  }

  async #exchange(request: WebResource, session: Session): Promise<HttpAnswer> {
    const { doing, deadline, maxBytes } = session;
    const { method, url, headers, body } = request;
    session.isSent = true;
    const answer = await exchange(
      { method, url: new URL(url), headers: headers.rawHeaders(), body: bytesOf(body) },
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
    checkAnswer(answer, doing, url);
    return answer;
  }
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Uint8Array) return body;
  if (typeof body === "string") return Buffer.from(body);
  throw new TypeError("the SDK sends a body of a kind that is not expected");
}

/** What the SDK reads. It exports no class for headers, so this reuses the request's. */
function responseOf(
  request: WebResource,
  { status, headers: found, body }: HttpAnswer,
  isBlob: boolean,
): HttpOperationResponse {
  const headers = request.headers.clone();
  for (const name of headers.headerNames()) headers.remove(name);
  for (const [name, value] of Object.entries(found)) {
    if (value !== undefined) headers.set(name, value);
  }
  return isBlob && status === 200
    ? { request, status, headers, readableStreamBody: Readable.from([Buffer.from(body)]) }
    : { request, status, headers, bodyAsText: Buffer.from(body).toString("utf8") };
}

function unreadable(error: unknown, doing: string, answer: HttpAnswer | undefined): ScbError {
  if (error instanceof ScbError) return error;
  const text = foreignText(error instanceof Error ? error.message : String(error));
  const cause = new Error(text);
  return answer === undefined
    ? new ScbError("internal", `cannot ${doing}: the request could not be made: ${text}`, { cause })
    : new ScbError("store-unknown", `cannot ${doing}: ${notAzure(answer)}`, { cause });
}
