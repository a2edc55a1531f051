import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, ScbError } from "../runtime/error.ts";
import type { PutCondition } from "./object-store.ts";

/** What was asked for, so that an answer can be read and a message can name it. */
export interface S3Attempt {
  /** For people, completes "cannot …": "write node/latest.json in s3://bucket". */
  readonly doing: string;
  readonly condition?: PutCondition | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
}

/** What an error of the SDK says, apart from what it may carry along of request and credentials. */
export interface S3Failure {
  /** HTTP status, or undefined where no answer came. */
  readonly status: number | undefined;
  /** The store's code (`NoSuchKey`), else the SDK's or the system's (`ECONNREFUSED`). */
  readonly code: string;
  readonly name: string;
  readonly text: string;
  readonly syscall: string | undefined;
  readonly region: string | undefined;
  readonly dateMs: number | undefined;
  readonly contentType: string | undefined;
  readonly requestId: string | undefined;
  /** All attempts of one connect failed (the addresses of a host are tried in turn). */
  readonly isConnectFailure: boolean;
}

type Meaning = readonly [code: ErrorCode, message: string];

const secretKeyRemedy = "check AWS_SECRET_ACCESS_KEY or the profile in ~/.aws/credentials";

/** The store's codes that say more than their status does. */
const meaningOfCode: Readonly<Record<string, Meaning>> = {
  PreconditionFailed: ["store-precondition", "the condition did not hold"],
  NoSuchBucket: ["store-no-bucket", "there is no such bucket: check its name, or create it"],
  AccessDenied: [
    "store-denied",
    "these credentials may not do this: check the policy of user and bucket (s3:GetObject, s3:PutObject and s3:ListBucket are needed; without the last a missing object is denied too)",
  ],
  AllAccessDisabled: ["store-denied", "the store has shut off all access: ask its provider"],
  AccountProblem: ["store-denied", "the account has a problem: ask the store's provider"],
  InvalidAccessKeyId: [
    "store-denied",
    "the store does not know this access key: check AWS_ACCESS_KEY_ID or the profile, and that they are for this store",
  ],
  InvalidClientTokenId: [
    "store-denied",
    "the store does not know this access key: check AWS_ACCESS_KEY_ID or the profile",
  ],
  SignatureDoesNotMatch: [
    "store-denied",
    `the secret key does not belong to the access key: ${secretKeyRemedy}`,
  ],
  ExpiredToken: ["store-denied", "the session token has expired: get new credentials"],
  ExpiredTokenException: ["store-denied", "the session token has expired: get new credentials"],
  InvalidToken: [
    "store-denied",
    "the session token is not valid: check AWS_SESSION_TOKEN, and unset it for credentials without one",
  ],
  TokenRefreshRequired: ["store-denied", "the session token must be renewed: get new credentials"],
  CredentialsProviderError: [
    "store-denied",
    "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with a profile in ~/.aws, or give this machine or container a role",
  ],
  TokenProviderError: ["store-denied", "the sign-in of the profile has ended: run `aws sso login`"],
  RequestTimeout: ["store-unknown", "the store waited for the request in vain"],
  BadDigest: ["store-busy", "the bytes were damaged on their way, and refused"],
  InvalidObjectState: [
    "store-rejected",
    "the object is archived: bring it back from its archive first",
  ],
  XMinioAdminBucketQuotaExceeded: ["store-busy", "the bucket's quota is used up: raise it"],
  NotImplemented: [
    "store-rejected",
    "the store does not support this request: use one with conditional writes",
  ],
};

const regionCodes = [
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
];

/** System codes that can come only before a request was sent. */
const neverReached: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: is the store running, and the endpoint right?",
  ENOTFOUND: "the host name is not known: check the endpoint and the network",
  EAI_AGAIN: "host names can not be looked up now: check the network",
  EHOSTUNREACH: "the host can not be reached: check the network",
  ENETUNREACH: "the network can not be reached: check it",
  ENETDOWN: "the network is down",
  EADDRNOTAVAIL: "no local address or port is free",
};

const certificateCode =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH$)/;
const printableLimit = 300;

const optionalText = z.string().min(1).optional().catch(undefined);

/** The few fields that are taken from an error of the SDK, of whatever class it is. */
const sdkErrorSchema = z
  .object({
    name: z.string().min(1).catch("Error"),
    message: z.string().min(1).catch("no message"),
    Code: optionalText,
    code: optionalText,
    syscall: optionalText,
    Region: optionalText,
    $metadata: z
      .object({ httpStatusCode: z.number().optional(), requestId: optionalText })
      .catch({ httpStatusCode: undefined }),
    $response: z
      .object({
        headers: z.object({
          date: optionalText,
          "content-type": optionalText,
          "x-amz-bucket-region": optionalText,
        }),
      })
      .catch({ headers: {} }),
  })
  .catch({ name: "Error", message: "no message", $metadata: {}, $response: { headers: {} } });

/**
 * Translates what a call of the SDK threw. The cause that is kept holds code, status and request
 * id, and not the SDK's own error: that one carries the signed request, session token included.
 */
export function translateS3Error(error: unknown, attempt: S3Attempt): ScbError {
  if (error instanceof ScbError) return error;
  if (attempt.signal?.aborted === true && error instanceof Error && error.name === "AbortError") {
    return new ScbError("aborted", `stopped before it was done: ${attempt.doing}`);
  }
  const failure = readS3Failure(error);
  const [code, message] = meaningOf(failure, attempt);
  return new ScbError(code, `cannot ${attempt.doing}: ${message}`, { cause: causeOf(failure) });
}

export function readS3Failure(error: unknown): S3Failure {
  const facts = sdkErrorSchema.parse(error);
  const date = Date.parse(facts.$response.headers.date ?? "");
  return {
    status: facts.$metadata.httpStatusCode,
    code: facts.Code ?? facts.code ?? facts.name,
    name: facts.name,
    text: printable(facts.message),
    syscall: facts.syscall,
    region: facts.$response.headers["x-amz-bucket-region"] ?? facts.Region,
    dateMs: Number.isNaN(date) ? undefined : date,
    contentType: facts.$response.headers["content-type"],
    requestId: facts.$metadata.requestId,
    isConnectFailure: error instanceof AggregateError,
  };
}

/** Whether the store says that the object is not there. The bucket not being there is another thing. */
export function saysMissing(failure: S3Failure): boolean {
  return failure.status === 404 && failure.code !== "NoSuchBucket" && !isForeign(failure);
}

/**
 * A proxy whose store is away just now may answer 404 with a page of its own, and that says nothing
 * of any object. S3 speaks XML.
 */
function isForeign({ status, code, contentType = "xml" }: S3Failure): boolean {
  return status === 404 && code !== "NoSuchKey" && !/xml/i.test(contentType);
}

function meaningOf(failure: S3Failure, attempt: S3Attempt): Meaning {
  const { status, code, text } = failure;
  if (code === "RequestTimeTooSkewed" || isSilentlySkewed(failure, attempt.clock)) {
    return ["store-clock", clockMessage(failure, attempt.clock)];
  }
  if (regionCodes.includes(code) || status === 301 || status === 307) {
    const right = failure.region === undefined ? "" : ` (${printable(failure.region)})`;
    return [
      "store-rejected",
      `the bucket is in another region: name it${right} as ?region= or AWS_REGION`,
    ];
  }
  const known = meaningOfCode[code];
  if (known !== undefined) return known;
  if (status === undefined) return meaningWithoutAnswer(failure);
  if (isForeign(failure)) {
    return [
      "store-unknown",
      `what answered (status 404, ${printable(failure.contentType ?? "")}) is no S3 service: check the endpoint, or the proxy before the store`,
    ];
  }
  if (status === 404) return meaningOf404(attempt);
  const said =
    code === "Unknown" ? `status ${status}` : `${printable(code)}, status ${status}: ${text}`;
  if (status === 412) return ["store-precondition", "the condition did not hold"];
  if (status === 401 || status === 403) {
    return [
      "store-denied",
      `these credentials may not do this: check them and their policy (${said})`,
    ];
  }
  if (status === 507) return ["store-busy", `the store's disk is full: free some space (${said})`];
  if (status === 409 || status === 429 || status === 503) {
    return ["store-busy", `the store asks to come back later (${said})`];
  }
  if (status === 501 || (status >= 300 && status < 500 && status !== 408)) {
    return ["store-rejected", `the store refuses this request (${said})`];
  }
  return ["store-unknown", `the store failed (${said}): whether it was done is not known`];
}

function meaningOf404({ condition }: S3Attempt): Meaning {
  if (condition?.kind === "match")
    return ["store-missing", "the object that was to be replaced is gone"];
  return ["store-no-bucket", "the bucket is not there: check its name and the endpoint"];
}

function meaningWithoutAnswer({ code, name, text, syscall, isConnectFailure }: S3Failure): Meaning {
  const reason = neverReached[code];
  if (reason !== undefined) return ["store-busy", `${reason} (${code})`];
  if (isConnectFailure || syscall === "connect" || isConnectTimeout(name, text)) {
    return [
      "store-busy",
      `no connection could be made (${code}): check the endpoint and the network`,
    ];
  }
  if (certificateCode.test(code)) {
    return [
      "store-busy",
      `the store's certificate is not trusted (${code}): check the endpoint, or name your own authority in NODE_EXTRA_CA_CERTS`,
    ];
  }
  if (text.includes("wrong version number")) {
    return ["store-busy", "no TLS is spoken there: use http:// in the endpoint, or the right port"];
  }
  if (text === "Region is missing") {
    return ["store-rejected", "no region is known: set ?region= or AWS_REGION"];
  }
  if (name === "TimeoutError" && code !== "ECONNRESET" && code !== "EPIPE") {
    return ["store-unknown", "no answer came in time: whether it was done is not known"];
  }
  return [
    "store-unknown",
    `the connection broke (${printable(code)}): whether it was done is not known`,
  ];
}

/** The SDK gives its connect timeout no code of its own; not known for one, it would be "unknown". */
function isConnectTimeout(name: string, text: string): boolean {
  return name === "TimeoutError" && text.includes("did not establish a connection");
}

/** An answer to HEAD has no body and so no code, but it has a date. Stores bear 15 minutes. */
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

/** Texts of a store reach a terminal: no control characters, and not without end. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\s]+/gu, " ").slice(0, printableLimit);
}
