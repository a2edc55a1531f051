import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { ProxyTrouble } from "../runtime/proxy-trouble.ts";
import { CredentialsTrouble } from "./credentials-trouble.ts";
import { meaningOfProxy } from "./http-handler.ts";
import {
  type Meaning,
  meaningOfStatus,
  meaningWithoutAnswer,
  type Unanswered,
} from "./http-meanings.ts";
import type { PutCondition } from "./object-store.ts";
import type { S3Exchange } from "./s3-answer.ts";
import { meaningOfRefusal, regionCodes } from "./s3-meanings.ts";

/** What was asked for, so that an answer can be interpreted and a message can name it. */
export interface S3Attempt {
  /** For people, completes "cannot …": "write node/latest.json in s3://bucket". */
  readonly doing: string;
  readonly condition?: PutCondition | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  readonly exchange: S3Exchange;
}

/** What an SDK error says, without the request and credentials that it may contain. */
interface S3Failure extends Unanswered {
  /** HTTP status, or undefined if there was no answer. */
  readonly status: number | undefined;
  readonly region: string | undefined;
  readonly dateMs: number | undefined;
  readonly requestId: string | undefined;
}

const optionalText = z.string().min(1).optional().catch(undefined);

/** The few fields read from an SDK error, whatever its class. */
const sdkErrorSchema = z
  .object({
    name: z.string().min(1).catch("Error"),
    message: z.string().min(1).catch("no message"),
    Code: optionalText,
    code: optionalText,
    syscall: optionalText,
    Region: optionalText,
    $metadata: z.object({ requestId: optionalText }).catch({ requestId: undefined }),
  })
  .catch({ name: "Error", message: "no message", $metadata: {} });

/**
 * Translates an error from an SDK call. The kept cause holds code, status and request id instead of the
 * SDK's own error, which contains the signed request, including the session token.
 */
export function translateS3Error(error: unknown, attempt: S3Attempt): ScbError {
  if (error instanceof ScbError) return error;
  if (error instanceof CredentialsTrouble) {
    const { errorCode, message, cause } = error;
    return new ScbError(errorCode, `cannot ${attempt.doing}: ${message}`, { cause });
  }
  if (error instanceof ProxyTrouble) {
    const { code, says } = meaningOfProxy(error);
    return new ScbError(code, `cannot ${attempt.doing}: ${says}`, { cause: error });
  }
  if (attempt.signal?.aborted === true) {
    return new ScbError("aborted", `stopped before it was done: ${attempt.doing}`);
  }
  const failure = readFailure(error, attempt.exchange);
  const { code, says } = meaningOf(failure, attempt);
  return new ScbError(code, `cannot ${attempt.doing}: ${says}`, { cause: causeOf(failure) });
}

/** Whether the store says with one of these codes that there is no such thing. */
export function saysMissing(
  error: unknown,
  exchange: S3Exchange,
  codes: readonly string[],
): boolean {
  const { status, code } = readFailure(error, exchange);
  return status === 404 && codes.includes(code);
}

function readFailure(error: unknown, { request, answer }: S3Exchange): S3Failure {
  const facts = sdkErrorSchema.parse(error);
  const date = Date.parse(answer?.headers["date"] ?? "");
  const shown = (text: string): string => foreignText(text, request?.secrets);
  const region = answer?.headers["x-amz-bucket-region"] ?? facts.Region;
  return {
    status: answer?.status,
    code: shown(facts.Code ?? facts.code ?? facts.name),
    name: facts.name,
    text: shown(facts.message),
    syscall: facts.syscall,
    region: region === undefined ? undefined : shown(region),
    dateMs: Number.isNaN(date) ? undefined : date,
    requestId: facts.$metadata.requestId,
    isConnectFailure: error instanceof AggregateError,
  };
}

function meaningOf(failure: S3Failure, attempt: S3Attempt): Meaning {
  const { status, code, text } = failure;
  if (status === undefined) return meaningOfUnanswered(failure);
  if (code === "RequestTimeTooSkewed" || isSilentlySkewed(failure, attempt.clock)) {
    return { code: "store-clock", says: clockMessage(failure, attempt.clock) };
  }
  const said = code === "Unknown" ? `status ${status}` : `${code}, status ${status}: ${text}`;
  if (
    regionCodes.includes(code) ||
    (status >= 300 && status < 400 && code !== "TemporaryRedirect")
  ) {
    const right = failure.region === undefined ? "" : ` (${failure.region})`;
    return {
      code: "store-rejected",
      says: `the bucket is in another region: name it${right} as ?region= or AWS_REGION (${said})`,
    };
  }
  const known = meaningOfRefusal(status, code, text);
  if (known !== undefined) return { ...known, says: `${known.says} (${said})` };
  if (status === 404) return meaningOf404(code, said, attempt);
  return meaningOfStatus(status, said);
}

function meaningOf404(code: string, said: string, { condition }: S3Attempt): Meaning {
  if (code === "NoSuchKey" && condition?.kind === "match") {
    return { code: "store-missing", says: `the object to be replaced is gone (${said})` };
  }
  return {
    code: "store-unknown",
    says: `the store says that something is missing, but not that it is the object (${said}): check the bucket's name and the endpoint`,
  };
}

function meaningOfUnanswered(failure: S3Failure): Meaning {
  const { code, text } = failure;
  // Node refuses to send such a header or path, so nothing left this machine, and nothing will.
  if (/^ERR_(?:INVALID|UNESCAPED)_/.test(code) || text === "Region is missing") {
    return { code: "usage", says: `the request could not be made: ${unmade(text)}` };
  }
  return meaningWithoutAnswer(failure);
}

function unmade(text: string): string {
  return text === "Region is missing"
    ? "no region is known; set ?region= or AWS_REGION"
    : "one of the AWS settings holds a character that a request can't contain; copy credentials, region and endpoint again";
}

/** An answer to HEAD has no body and so no code, but it has a date. Stores tolerate 15 minutes. */
function isSilentlySkewed({ status, code, dateMs }: S3Failure, clock: Clock): boolean {
  if (status !== 403 || code !== "Unknown" || dateMs === undefined) return false;
  return Math.abs(clock.now() - dateMs) > 15 * 60_000;
}

function clockMessage({ dateMs }: S3Failure, clock: Clock): string {
  const remedy = "set it, and keep it right with NTP";
  if (dateMs === undefined) return `this machine's clock is too far off for the store: ${remedy}`;
  const offSeconds = Math.round((clock.now() - dateMs) / 1000);
  const direction = offSeconds > 0 ? "ahead of" : "behind";
  return `this machine's clock is ${Math.abs(offSeconds)} s ${direction} the store's: ${remedy}`;
}

function causeOf({ name, text, code, status, requestId }: S3Failure): Error {
  const cause = new Error(text);
  cause.name = name;
  return Object.assign(cause, { code, status, requestId });
}
