import type { Clock } from "../runtime/clock.ts";
import { ScbError } from "../runtime/error.ts";
import { foreignText } from "../runtime/foreign-text.ts";
import { codeOfForeign, foreignAnswer, type HttpAnswer, redirectionOf } from "./http-answer.ts";
import { type Meaning, meaningOfStatus } from "./http-meanings.ts";

/** The service's name, for messages about unexpected answers. */
export const service = "Azure Blob Storage";

const decoder = new TextDecoder();
const strongEtag = /^"[\x21\x23-\x7e]+"$/;

/**
 * Throws "store-unknown" for an answer that isn't Azure's: proxies and login pages answer in the store's
 * place, with any status. Azure marks each of its answers, and names each error.
 */
export function checkAnswer(answer: HttpAnswer, doing: string, askedAt: string): void {
  const { status, headers } = answer;
  const isAzure = headers["x-ms-request-id"] !== undefined;
  const isDone = status >= 200 && status < 300 && headers["x-ms-version"] !== undefined;
  // A simulator's errors lack the version.
  if (isAzure && (isDone || (status >= 300 && codeOf(answer) !== ""))) return;
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  const why = isRedirect ? redirectionOf(answer, askedAt) : notAzure(answer);
  throw new ScbError(codeOfForeign(status), `cannot ${doing}: ${why}`);
}

/** Why an answer isn't the expected one, as a clause. */
export function notAzure(answer: HttpAnswer, detail?: string): string {
  return foreignAnswer(answer, `not ${service}`, detail);
}

/** The etag, verbatim. Throws "store-unknown" if there is none that a conditional write could use. */
export function etagOf({ headers }: HttpAnswer, doing: string): string {
  const { etag = "" } = headers;
  if (strongEtag.test(etag)) return etag;
  throw new ScbError(
    "store-unknown",
    `cannot ${doing}: no strong ETag came back; a proxy before the store drops or changes it`,
  );
}

/** Azure's error code, such as "BlobNotFound"; "" if it gave none. */
export function codeOf({ headers, body }: HttpAnswer): string {
  const inHeader = headers["x-ms-error-code"];
  if (inHeader !== undefined) return foreignText(inHeader);
  return /<Code>(\w+)<\/Code>/.exec(decoder.decode(body))?.[1] ?? "";
}

/** The error for a refusal. */
export function refusalError(answer: HttpAnswer, doing: string, clock: Clock): ScbError {
  const { status, headers, body } = answer;
  const azureCode = codeOf(answer);
  const [, message = ""] = /<Message>([^<]*)/.exec(decoder.decode(body)) ?? [];
  const [words = ""] = message.split(/\r?\nRequestId/);
  const text = foreignText(words);
  const said = `${azureCode}, status ${status}${text === "" ? "" : `: ${text}`}`;
  const known =
    clockMeaning(azureCode, headers["date"], clock) ?? meaningOfCode(`${azureCode} ${text}`);
  const { code, says } =
    known === undefined
      ? meaningOfStatus(status === 412 ? 400 : status, said)
      : { ...known, says: `${known.says} (${said})` };
  return new ScbError(code, `cannot ${doing}: ${says}`, {
    cause: Object.assign(new Error(text), { code: azureCode, status }),
  });
}

/** Azure tolerates 15 minutes, and calls the signature wrong beyond that. */
function clockMeaning(code: string, date: string | undefined, clock: Clock): Meaning | undefined {
  const offMs = clock.now() - Date.parse(date ?? "");
  if (code !== "AuthenticationFailed" || !(Math.abs(offMs) > 15 * 60_000)) return undefined;
  const direction = offMs > 0 ? "ahead of" : "behind";
  const off = Math.abs(Math.round(offMs / 1000));
  return {
    code: "store-clock",
    says: `this machine's clock is ${off} s ${direction} the store's: set it, and keep it right with NTP`,
  };
}

/** `said` is the code, a space, and Azure's text. */
function meaningOfCode(said: string): Meaning | undefined {
  return meanings.find(([words]) => words.test(said))?.[1];
}

const meanings: readonly (readonly [words: RegExp, meaning: Meaning])[] = [
  [
    /^(?:ConditionNotMet|BlobAlreadyExists) /,
    { code: "store-precondition", says: "the condition did not hold" },
  ],
  [
    /^ContainerNotFound /,
    {
      code: "store-no-bucket",
      says: "there is no such container: check its name, or create it",
    },
  ],
  [
    /^(?:ContainerBeingDeleted|ContainerDisabled|ServerBusy|PendingCopyOperation|AccountBeingCreated) /,
    { code: "store-busy", says: "the store asks to come back later" },
  ],
  [
    /^Lease/,
    {
      code: "store-rejected",
      says: "someone holds a lease on it, so nobody else can write it: break the lease, in Azure's portal or with az storage blob lease break",
    },
  ],
  [
    /^\w*(?:Immutable|LegalHold|NotPermittedByPolicy)/,
    {
      code: "store-rejected",
      says: "an immutability policy keeps it from being replaced, but the pointer must be replaceable: remove the policy from the container, and use versioning and soft delete instead",
    },
  ],
  [
    /^KeyBasedAuthenticationNotPermitted /,
    {
      code: "store-denied",
      says: "the account doesn't accept keys: unset AZURE_STORAGE_KEY, and sign in with an identity that has the role Storage Blob Data Contributor",
    },
  ],
  [
    /^(?:AuthenticationFailed|InvalidAuthenticationInfo|NoAuthenticationInformation) |failed to authenticate/,
    {
      code: "store-denied",
      says: "the key, SAS or token is refused: check it, that it is this account's, and that it has not expired",
    },
  ],
  [
    /^(?:AuthorizationFailure|AuthorizationSourceIPMismatch|AuthorizationProtocolMismatch) /,
    {
      code: "store-denied",
      says: "the account's network rules or the SAS exclude this machine: allow its address in Azure's portal, or make a SAS for it",
    },
  ],
  [
    /^(?:Authorization|InsufficientAccountPermissions|AccountIsDisabled)/,
    {
      code: "store-denied",
      says: "these credentials may not do this: give the identity the role Storage Blob Data Contributor on the container (to read only: Storage Blob Data Reader), or make a SAS with read, write, create and list",
    },
  ],
  [
    /^Md5Mismatch /,
    { code: "store-busy", says: "the bytes were damaged in transit, so the store refused them" },
  ],
  [/^BlobArchived /, { code: "store-rejected", says: "the blob is archived: rehydrate it first" }],
];
