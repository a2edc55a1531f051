import { HttpRequest } from "@smithy/core/protocols";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import { z } from "zod";
import type { Deadline } from "../runtime/deadline.ts";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { ProxyTrouble } from "../runtime/proxy-trouble.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { type HttpBodyOptions, rawAnswer, readHttpBody } from "./http-body.ts";
import { meaningOfProxy } from "./http-handler.ts";
import { meaningWithoutAnswer } from "./http-meanings.ts";
import { transferMs } from "./time-limits.ts";

/** A request as it is sent. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

export interface ExchangeOptions
  extends Pick<HttpBodyOptions, "doing" | "service" | "kind" | "maxBytes"> {
  readonly handler: NodeHttpHandler;
  readonly requestTimeoutMs: number;
  readonly deadline: Deadline;
}

const optionalText = z.string().min(1).optional().catch(undefined);

const nodeError = z
  .object({
    name: z.string().min(1).catch("Error"),
    message: z.string().min(1).catch("no message"),
    code: optionalText,
    syscall: optionalText,
  })
  .catch({ name: "Error", message: "no message" });

/**
 * Sends one request, once, and reads the whole answer within limits of time and memory. Follows no
 * redirect, so credentials go nowhere else. Throws only if there is no answer.
 */
export async function exchange(
  { method, url, headers, body }: OutgoingRequest,
  { handler, requestTimeoutMs, deadline, ...reading }: ExchangeOptions,
): Promise<HttpAnswer> {
  const uploadBytes = body?.length ?? 0;
  const request = new HttpRequest({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    path: `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      ...headers,
      ...(body === undefined ? {} : { "content-length": String(uploadBytes) }),
    },
    ...(body === undefined ? {} : { body }),
  });
  try {
    const { response } = await handler.handle(request, {
      abortSignal: deadline.signal,
      requestTimeout: requestTimeoutMs + transferMs(uploadBytes),
    });
    const raw = rawAnswer.parse(response);
    const read = await readHttpBody(raw, { ...reading, method, deadline });
    return { method, status: raw.statusCode, headers: raw.headers, body: read };
  } catch (error) {
    throw unanswered(error, reading.doing);
  }
}

/** The foreign error isn't kept, because some contain the request with its credentials. */
function unanswered(error: unknown, doing: string): ScbError {
  if (error instanceof ScbError) return error;
  if (error instanceof ProxyTrouble) {
    const { code, says } = meaningOfProxy(error);
    return new ScbError(code, `cannot ${doing}: ${says}`, { cause: error });
  }
  const { name, message, code = name, syscall } = nodeError.parse(error);
  const text = foreignText(message);
  const isConnectFailure = error instanceof AggregateError;
  const meaning = meaningWithoutAnswer({ code, name, text, syscall, isConnectFailure });
  const cause = Object.assign(new Error(text), { code });
  cause.name = name;
  return new ScbError(meaning.code, `cannot ${doing}: ${meaning.says}`, { cause });
}
