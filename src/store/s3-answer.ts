import { foreignAnswer, type HttpAnswer, redirectionOf } from "./http-answer.ts";

/** What is known about one request. */
export interface S3Exchange {
  /** Undefined until it is signed: an earlier failure never left this machine. */
  request?: S3SentRequest;
  answer?: HttpAnswer;
}

export interface S3SentRequest {
  readonly url: string;
  /** The parts of the credentials that a service could send back. */
  readonly secrets: readonly string[];
}

/** S3's answer if it did what was asked. */
export type S3Expectation =
  /** To a PUT: 200, an ETag, and no body. */
  | { readonly kind: "written" }
  /** To a DELETE: no body. */
  | { readonly kind: "deleted" }
  /** To a HEAD: 200 and the headers of an object. */
  | { readonly kind: "info" }
  /** To a GET: 200, the headers of an object, and its bytes. */
  | { readonly kind: "object" }
  /** XML with this root element. */
  | { readonly kind: "document"; readonly root: string };

const decoder = new TextDecoder();
const strongEtag = /^"[\x21\x23-\x7e]+"$/;
const prolog = /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->)[\s\S])*-->\s*)*/;
const rootName = /^<(?:[\w.-]+:)?([\w.-]+)[\s/>]/;

/**
 * Why this can't be an S3 service's answer to such a request, as a clause for people; null if it can.
 * Proxies, captive portals and login pages answer in the store's place, with any status, and their
 * answers say nothing about the store or its contents.
 */
export function whyForeign(
  answer: HttpAnswer,
  expected: S3Expectation,
  askedAt: string,
): string | null {
  const { method, status, body } = answer;
  if (status >= 200 && status < 300) return whyNotDone(answer, expected);
  if (isS3Error(body)) return null;
  if (status >= 300 && status < 400 && status !== 304) {
    return answer.headers["x-amz-bucket-region"] === undefined
      ? redirectionOf(answer, askedAt)
      : null;
  }
  if (body.length > 0) return notS3(answer);
  // S3 names what is missing: the object or the bucket. For HEAD it can't.
  return status === 404 && method !== "HEAD" ? notS3(answer, "which names nothing") : null;
}

/** Whether this is the XML with which S3 explains an error. */
export function isS3Error(body: Uint8Array): boolean {
  const text = decoder.decode(body);
  return rootOf(text) === "Error" && text.includes("<Code>");
}

function whyNotDone(answer: HttpAnswer, expected: S3Expectation): string | null {
  const { status, body } = answer;
  const isDeleted = expected.kind === "deleted";
  if (isDeleted ? ![200, 202, 204].includes(status) : status !== 200) return notS3(answer);
  switch (expected.kind) {
    case "deleted":
      return body.length === 0 ? null : notS3(answer, "with a body where S3 sends none");
    case "written":
      return body.length === 0
        ? whyWrongEtag(answer)
        : notS3(answer, "with a body where S3 sends none");
    case "info":
    case "object":
      return whyNoObject(answer);
    case "document": {
      const text = decoder.decode(body);
      const { root } = expected;
      const end = new RegExp(`</?(?:[\\w.-]+:)?${root}(?:\\s[^<>]*)?/?>\\s*$`);
      return rootOf(text) === root && end.test(text) ? null : notS3(answer, `instead of ${root}`);
    }
  }
}

function whyNoObject(answer: HttpAnswer): string | null {
  const { headers } = answer;
  // Our objects are never HTML pages, and web servers give their pages an ETag and a date too.
  if (/html/i.test(headers["content-type"] ?? ""))
    return notS3(answer, "a page instead of an object");
  if (Number.isNaN(Date.parse(headers["last-modified"] ?? ""))) {
    return notS3(answer, "without the date of an object");
  }
  const encoding = headers["content-encoding"] ?? "";
  if (!["", "identity", "aws-chunked"].includes(encoding.toLowerCase())) {
    return "the bytes were re-encoded in transit: a proxy in front of the store changes its answers; turn off its compression, or bypass it";
  }
  return whyWrongEtag(answer);
}

function whyWrongEtag(answer: HttpAnswer): string | null {
  const { etag } = answer.headers;
  if (etag === undefined) {
    return "no ETag came back: check that the endpoint is an S3 service, and that no proxy in front of it drops headers";
  }
  if (strongEtag.test(etag)) return null;
  if (etag.startsWith("W/")) {
    return "its ETag is weak (it starts with W/), which S3 never sends: a proxy in front of the store changes its answers, as compression does; turn that off in the proxy, or bypass it";
  }
  return "its ETag is not in quotes, as S3 sends it: check that the endpoint is an S3 service";
}

function notS3(answer: HttpAnswer, detail?: string): string {
  return foreignAnswer(answer, "not an S3 service", detail);
}

function rootOf(text: string): string | undefined {
  return rootName.exec(text.replace(prolog, ""))?.[1];
}
