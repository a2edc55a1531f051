import type {
  $Command,
  S3Client,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { withinDeadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { codeOfForeign, type HttpAnswer } from "./http-answer.ts";
import { rawAnswer, readHttpBody } from "./http-body.ts";
import { lateError } from "./http-meanings.ts";
import type { PutCondition } from "./object-store.ts";
import {
  type S3Exchange,
  type S3Expectation,
  type S3SentRequest,
  whyForeign,
} from "./s3-answer.ts";
import { type S3Attempt, saysMissing, translateS3Error } from "./s3-errors.ts";
import { operationLimitMs, transferMs } from "./time-limits.ts";

/** Where credentials come from, for people. */
const source = "the source that AWS_PROFILE or this machine's role names";
/** How a store says that it knows the bucket but has no such object in it. */
const missingObjectCodes = ["NoSuchKey", "NoSuchVersion"];

export interface S3RequestsOptions {
  readonly client: S3Client;
  /** For people. */
  readonly location: string;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

export interface S3Request {
  /** For people, completes "cannot …": "write node/latest.json". */
  readonly doing: string;
  readonly expected: S3Expectation;
  readonly condition?: PutCondition | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly uploadBytes?: number;
  /** The size limit of the answer, if it is an object. */
  readonly maxBytes?: number;
  /**
   * Receives an answer before it is judged, because a refusal has headers too. `sentAt` is as
   * `Clock.now`.
   */
  readonly onAnswer?: (answer: HttpAnswer, sentAt: number) => void;
}

type Command<In extends ServiceInputTypes, Out extends ServiceOutputTypes> = $Command<
  In,
  Out,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

const sentRequest = z.object({
  protocol: z.string(),
  hostname: z.string(),
  port: z.number().optional(),
  method: z.string(),
  headers: z.record(z.string(), z.string()),
});

/**
 * Sends requests, each once, and passes only S3 answers on to the SDK. Bodies are read here, within
 * limits of time and memory, and checked first. Throws as `ObjectStore` says.
 */
export class S3Requests {
  readonly #options: S3RequestsOptions;

  constructor(options: S3RequestsOptions) {
    this.#options = options;
  }

  async send<In extends ServiceInputTypes, Out extends ServiceOutputTypes>(
    command: Command<In, Out>,
    request: S3Request,
  ): Promise<Out> {
    const exchange: S3Exchange = {};
    try {
      return await this.#run(command, request, exchange);
    } catch (error) {
      throw translateS3Error(error, this.#attempt(request, exchange));
    }
  }

  /** As `send`, but null if the store says with one of `codes` that there is no such thing. */
  async find<In extends ServiceInputTypes, Out extends ServiceOutputTypes>(
    command: Command<In, Out>,
    request: S3Request,
    codes: readonly string[] = missingObjectCodes,
  ): Promise<Out | null> {
    const exchange: S3Exchange = {};
    try {
      return await this.#run(command, request, exchange);
    } catch (error) {
      if (saysMissing(error, exchange, codes)) return null;
      throw translateS3Error(error, this.#attempt(request, exchange));
    }
  }

  #attempt({ doing, condition, signal }: S3Request, exchange: S3Exchange): S3Attempt {
    const { location, clock } = this.#options;
    return { doing: `${doing} in ${location}`, condition, signal, clock, exchange };
  }

  async #run<In extends ServiceInputTypes, Out extends ServiceOutputTypes>(
    command: Command<In, Out>,
    request: S3Request,
    exchange: S3Exchange,
  ): Promise<Out> {
    const { client, requestTimeoutMs, clock } = this.#options;
    const { uploadBytes = 0, maxBytes = 0, signal } = request;
    const { doing } = this.#attempt(request, exchange);
    const ms = operationLimitMs(requestTimeoutMs) + transferMs(uploadBytes);
    const { kind } = request.expected;
    const late = (): ScbError => lateError(doing, exchange.request !== undefined, source);
    let refusal: ScbError | undefined;
    try {
      return await withinDeadline({ clock, ms, signal, late }, async (deadline) => {
        command.middlewareStack.add(
          (next) => async (args) => {
            try {
              const sent = readRequest(args.request);
              exchange.request = sent;
              const sentAt = clock.now();
              const result = await next(args);
              const response = rawAnswer.parse(result.response);
              const body = await readHttpBody(response, {
                doing,
                service: "an S3 service",
                method: sent.method,
                kind: kind === "object" || kind === "document" ? kind : "nothing",
                maxBytes,
                deadline,
              });
              const { statusCode: status, headers } = response;
              const answer = { method: sent.method, status, headers, body };
              exchange.answer = answer;
              request.onAnswer?.(answer, sentAt);
              const why = whyForeign(answer, request.expected, sent.url);
              if (why !== null) throw foreignError(doing, status, why);
              const isObject = answer.status === 200 && request.expected.kind === "object";
              return isObject
                ? result
                : { ...result, response: { ...response, body: answer.body } };
            } catch (error) {
              if (error instanceof ScbError) refusal = error;
              throw error;
            }
          },
          // Right after the request itself, before the SDK has interpreted the answer.
          { step: "deserialize", priority: "low" },
        );
        return client.send(command, {
          abortSignal: deadline.signal,
          requestTimeout: requestTimeoutMs + transferMs(uploadBytes),
        });
      });
    } catch (error) {
      // The SDK adds notes to errors that pass through it.
      throw refusal ?? error;
    }
  }
}

function readRequest(request: unknown): S3SentRequest & { readonly method: string } {
  const { protocol, hostname, port, method, headers } = sentRequest.parse(request);
  const token = headers["x-amz-security-token"];
  const [, keyId] = /Credential=([^/]+)\//.exec(headers["authorization"] ?? "") ?? [];
  return {
    url: `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}/`,
    method,
    secrets: [token ?? "", keyId ?? ""].filter((secret) => secret !== ""),
  };
}

function foreignError(doing: string, status: number, why: string): ScbError {
  return new ScbError(codeOfForeign(status), `cannot ${doing}: ${why}`);
}
