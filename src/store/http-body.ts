import { IncomingMessage } from "node:http";
import { addAbortSignal } from "node:stream";
import { z } from "zod";
import { boundedRead } from "../runtime/bounded-read.ts";
import type { Deadline } from "../runtime/deadline.ts";
import { type ErrorCode, ScbError } from "../runtime/error.ts";
import { transferMs } from "./time-limits.ts";

const longestErrorBytes = 64 * 1024;
/** A page of a listing has a thousand keys of at most a kilobyte each. */
const longestDocumentBytes = 8 * 1024 * 1024;

/** An answer from Node whose body is still arriving. */
export const rawAnswer = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.instanceof(IncomingMessage),
});

export interface HttpBodyOptions {
  /** For people: "write node/latest.json in s3://bucket". */
  readonly doing: string;
  /** For people, what should have answered: "an S3 service". */
  readonly service: string;
  readonly method: string;
  /** What the body should be after a success. */
  readonly kind: "object" | "document" | "nothing";
  /** The size limit of an object. */
  readonly maxBytes: number;
  /** Extended with each byte that arrives. */
  readonly deadline: Deadline;
}

/**
 * Reads a body up to its end, which must come, and no more than a body of its kind may hold: it takes no
 * memory beyond that.
 */
export async function readHttpBody(
  { statusCode, headers, body }: z.infer<typeof rawAnswer>,
  { doing, service, method, kind, maxBytes, deadline }: HttpBodyOptions,
): Promise<Uint8Array> {
  if (method === "HEAD") {
    body.resume();
    return new Uint8Array();
  }
  const isObject = statusCode === 200 && kind === "object";
  const isDocument = statusCode === 200 && kind === "document";
  const limitBytes = isObject ? maxBytes : isDocument ? longestDocumentBytes : longestErrorBytes;
  const refuse = (code: ErrorCode, why: string): ScbError => {
    body.destroy();
    return new ScbError(code, `cannot ${doing}: ${why}`);
  };
  const tooLong = (): ScbError =>
    isObject
      ? refuse(
          "store-too-large",
          `it is larger than the limit of ${limitBytes} bytes, so it is not what it should be`,
        )
      : refuse(
          "store-unknown",
          `the answer (status ${statusCode}) is longer than ${limitBytes} bytes: check that the endpoint is ${service}`,
        );
  const told = headers["content-length"];
  if (Number(told) > limitBytes) throw tooLong();
  // Node reports a body that is shorter than its Content-Length or lacks its last chunk. A body that ends
  // with its connection could be truncated unnoticed.
  if (isObject && told === undefined && headers["transfer-encoding"] === undefined) {
    throw refuse(
      "store-unknown",
      "the answer does not say how long it is, so it may be truncated: is there a proxy in front of the store?",
    );
  }
  addAbortSignal(deadline.signal, body);
  let boughtMs = 0;
  const bytes = await boundedRead(body, limitBytes, (sizeBytes) => {
    deadline.extend(transferMs(sizeBytes) - boughtMs);
    boughtMs = transferMs(sizeBytes);
  });
  if (bytes === null) throw tooLong();
  return bytes;
}
