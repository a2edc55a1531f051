import { z } from "zod";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { codeOfForeign, foreignAnswer, type HttpAnswer, redirectionOf } from "./http-answer.ts";
import { type Meaning, meaningOfStatus } from "./http-meanings.ts";
import { isS3Error } from "./s3-answer.ts";

/** The service's name, for messages about unexpected answers. */
export const service = "Google Cloud Storage";

/** A refusal by Google Cloud Storage. */
export interface GcsRefusal {
  readonly status: number;
  /** Google's reason: "conditionNotMet", "NoSuchKey"; "" if it gave none. */
  readonly reason: string;
  readonly text: string;
}

const decoder = new TextDecoder();

const errorBody = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().catch(""),
    errors: z.array(z.object({ reason: z.string().catch("") })).catch([]),
  }),
});

/**
 * Reads an answer that isn't a success. Throws "store-unknown" if it isn't Google's: proxies and login
 * pages answer in the store's place, with any status.
 */
export function readRefusal(answer: HttpAnswer, doing: string, askedAt: string): GcsRefusal {
  const told = readTold(answer);
  if (told !== null) return told;
  const { status } = answer;
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  const why = isRedirect ? redirectionOf(answer, askedAt) : notGcs(answer);
  throw new ScbError(codeOfForeign(status), `cannot ${doing}: ${why}`);
}

/** As `readRefusal`, but null if the answer isn't Google's. */
export function readTold({ status, headers, body }: HttpAnswer): GcsRefusal | null {
  const text = decoder.decode(body);
  const told = parsed(text);
  if (told?.error.code === status) {
    const [{ reason } = { reason: "" }] = told.error.errors;
    return { status, reason, text: foreignText(told.error.message) };
  }
  const [, code] = isS3Error(body) ? (/<Code>([\w.]+)<\/Code>/.exec(text) ?? []) : [];
  if (code !== undefined) {
    const [, message = ""] = /<Message>([^<]*)<\/Message>/.exec(text) ?? [];
    return { status, reason: code, text: foreignText(message) };
  }
  // Google's upload servers give some errors in plain text, but sign every answer.
  const isSigned = headers["x-guploader-uploadid"] !== undefined && status >= 400;
  return isSigned ? { status, reason: "", text: foreignText(text) } : null;
}

/** Why a success isn't Google's, as a clause. */
export function notGcs(answer: HttpAnswer, detail?: string): string {
  return foreignAnswer(answer, `not ${service}`, detail);
}

function parsed(text: string): z.infer<typeof errorBody> | null {
  try {
    return errorBody.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * The error for a refusal. A 404 is left to the caller, because it may concern the bucket or the object.
 */
export function refusalError({ status, reason, text }: GcsRefusal, doing: string): ScbError {
  const said = `${reason === "" ? "" : `${reason}, `}status ${status}: ${text}`;
  const { code, says } = meaningOf(status, reason, text, said);
  return new ScbError(code, `cannot ${doing}: ${says}`, {
    cause: Object.assign(new Error(text), { status, reason }),
  });
}

function meaningOf(status: number, reason: string, text: string, said: string): Meaning {
  const known = [400, 401, 403].includes(status)
    ? ofWords.find(([words]) => words.test(`${reason} ${text}`))?.[1]
    : undefined;
  return known === undefined
    ? meaningOfStatus(status, said)
    : { ...known, says: `${known.says} (${said})` };
}

/** One status has many causes: Google's text tells them apart. */
const ofWords: readonly (readonly [words: RegExp, meaning: Meaning])[] = [
  [
    /retention|under (?:active )?(?:temporary|event-based) hold/i,
    {
      code: "store-rejected",
      says: "the bucket keeps objects from being replaced, but the pointer must be replaceable: remove retention policy and holds from the bucket, and use object versioning and soft delete instead",
    },
  ],
  [
    /rateLimitExceeded|quotaExceeded|limitExceeded|quota/i,
    { code: "store-busy", says: "the project or the bucket has reached a limit for now" },
  ],
  [
    /billing|accountDisabled|account.{0,30}(?:disabled|closed)/i,
    {
      code: "store-denied",
      says: "the project's billing account is closed or disabled: fix it in Google's console",
    },
  ],
  [
    /\bkms\b.*(?:disabled|destroyed|unavailable)|key.{0,20}(?:disabled|destroyed)/i,
    {
      code: "store-busy",
      says: "the key with which the bucket is encrypted can't be used now: enable it in Cloud KMS",
    },
  ],
  [
    /\bkms\b/i,
    {
      code: "store-denied",
      says: "the bucket's key can't be used: give Cloud Storage's service agent the role Cloud KMS CryptoKey Encrypter/Decrypter",
    },
  ],
  [
    /requester pays|userProject/i,
    {
      code: "store-rejected",
      says: "the bucket makes the requester pay, which scb-mirror doesn't support: use another bucket",
    },
  ],
  [
    /authError|invalid (?:authentication )?credentials|anonymous caller/i,
    {
      code: "store-denied",
      says: "the token was refused, or none was sent: check the credentials, and that they are for this project",
    },
  ],
  [
    /forbidden|access to|permission|denied/i,
    {
      code: "store-denied",
      says: "these credentials may not do this: give their account roles/storage.objectUser on the bucket (to read only: roles/storage.objectViewer)",
    },
  ],
];
