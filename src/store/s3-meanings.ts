import type { Meaning } from "./http-meanings.ts";

/** Codes by which a store says that the bucket is in another region. */
export const regionCodes: readonly string[] = [
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
];

const renewToken: Meaning = {
  code: "store-denied",
  says: "the session token has expired: get new credentials",
};

/** Store codes that say more than the status does. */
const ofCode: Readonly<Record<string, Meaning>> = {
  PreconditionFailed: { code: "store-precondition", says: "the condition did not hold" },
  NoSuchBucket: {
    code: "store-no-bucket",
    says: "there is no such bucket: check its name, or create it",
  },
  TemporaryRedirect: {
    code: "store-busy",
    says: "the bucket is new and not known everywhere yet: wait, or name its region as ?region=",
  },
  AccessDenied: {
    code: "store-denied",
    says: "these credentials may not do this: check the policy of user and bucket (s3:GetObject, s3:PutObject and s3:ListBucket are needed; without the last a missing object is denied too)",
  },
  AllAccessDisabled: {
    code: "store-denied",
    says: "the store has disabled all access: ask its provider",
  },
  AccountProblem: {
    code: "store-denied",
    says: "the account has a problem: ask the store's provider",
  },
  UserSuspended: {
    code: "store-denied",
    says: "the account is suspended: ask the store's provider",
  },
  InvalidAccessKeyId: {
    code: "store-denied",
    says: "the store does not know this access key: check AWS_ACCESS_KEY_ID or the profile, and that they are for this store",
  },
  InvalidClientTokenId: {
    code: "store-denied",
    says: "the store does not know this access key: check AWS_ACCESS_KEY_ID or the profile",
  },
  SignatureDoesNotMatch: {
    code: "store-denied",
    says: "the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the profile in ~/.aws/credentials",
  },
  ExpiredToken: renewToken,
  ExpiredTokenException: renewToken,
  TokenRefreshRequired: renewToken,
  InvalidToken: {
    code: "store-denied",
    says: "the session token is not valid: check AWS_SESSION_TOKEN, and unset it for credentials without one",
  },
  RequestTimeout: {
    code: "store-unknown",
    says: "the store waited for the request and did not get it",
  },
  BadDigest: {
    code: "store-busy",
    says: "the bytes were damaged in transit, so the store refused them",
  },
  InvalidObjectState: {
    code: "store-rejected",
    says: "the object is archived: restore it from the archive first",
  },
  NotImplemented: {
    code: "store-rejected",
    says: "the store does not support this request: use one with conditional writes",
  },
};

/** Store texts that say more than the code does, because one code has many causes. */
const ofWords: readonly (readonly [words: RegExp, meaning: Meaning])[] = [
  [
    /\bkms\b.*(?:disabled|pending|unavailable|invalid ?state|throttl)/i,
    {
      code: "store-busy",
      says: "the key with which the bucket is encrypted can't be used now: enable it in the key management service",
    },
  ],
  [
    /\bkms\b/i,
    {
      code: "store-denied",
      says: "these credentials may not use the key with which the bucket is encrypted: allow them kms:GenerateDataKey and kms:Decrypt, in the key's policy too",
    },
  ],
  [
    /explicit deny/i,
    {
      code: "store-denied",
      says: "a policy denies this explicitly, which no permission overrides: look for the Deny in the policies of bucket, user and organisation",
    },
  ],
  [
    /quota|cap exceeded|over ?limit|limit exceeded/i,
    {
      code: "store-busy",
      says: "the account or the bucket has reached a limit: raise its quota or cap, or free some space",
    },
  ],
  [
    /virtual.?host|third level domain|SecondLevelDomainForbidden|InvalidPathAccess|path.?style/i,
    {
      code: "store-rejected",
      says: "the store wants the bucket's name in the host name: add ?style=virtual to the location",
    },
  ],
];

/** Only these refusals need interpretation: 404, 409, 412 and others are clear. */
const readStatuses: readonly number[] = [400, 401, 403, 413, 422, 507];

/** The meaning of a store's refusal by its code and text, or undefined if only its status counts. */
export function meaningOfRefusal(status: number, code: string, text: string): Meaning | undefined {
  const said = `${code} ${text}`;
  const read = readStatuses.includes(status)
    ? ofWords.find(([words]) => words.test(said))?.[1]
    : undefined;
  return read ?? ofCode[code];
}
