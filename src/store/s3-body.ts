import { IncomingMessage } from "node:http";
import { addAbortSignal } from "node:stream";
import { z } from "zod";
import { boundedRead } from "../runtime/bounded-read.ts";
import type { Clock } from "../runtime/clock.ts";
import { type ErrorCode, ScbError } from "../runtime/error.ts";

/** A slower line than this is taken for a broken one: 16 KB/s. */
export const slowestBytesPerMs = 16;
const longestErrorBytes = 64 * 1024;
/** A page of a listing has a thousand keys of at most a kilobyte each. */
const longestDocumentBytes = 8 * 1024 * 1024;

/** An answer as Node hands it over: its body is still on its way. */
export const rawAnswer = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.instanceof(IncomingMessage),
});

export interface S3BodyOptions {
  /** For people: "write node/latest.json in s3://bucket". */
  readonly doing: string;
  readonly method: string;
  /** What the body is if all went well. */
  readonly kind: "object" | "document" | "nothing";
  /** The most that an object may hold. */
  readonly maxBytes: number;
  /** How long a body may take that is empty; each byte more buys time. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Reads a body to its end, which it must have, and no more than one of its kind may hold: memory is
 * taken for nothing else. One that comes slower than the slowest line is given up.
 */
export async function readS3Body(
  { statusCode, headers, body }: z.infer<typeof rawAnswer>,
  { doing, method, kind, maxBytes, patienceMs, clock, signal }: S3BodyOptions,
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
          `it is larger than the ${limitBytes} bytes that it may have, so it is not what it should be`,
        )
      : refuse(
          "store-unknown",
          `the answer (status ${statusCode}) is longer than ${limitBytes} bytes: check that the endpoint is an S3 service`,
        );
  const told = headers["content-length"];
  if (Number(told) > limitBytes) throw tooLong();
  // Node ends a body with an error that is shorter than its Content-Length, or lacks its last chunk.
  // One that ends with its connection could come short unnoticed.
  if (isObject && told === undefined && headers["transfer-encoding"] === undefined) {
    throw refuse(
      "store-unknown",
      "the answer does not say how long it is, so it may be cut off: is there a proxy before the store?",
    );
  }
  addAbortSignal(signal, body);
  const startedMs = clock.monotonicMs();
  const bytes = await boundedRead(body, limitBytes, (sizeBytes) => {
    const takenMs = clock.monotonicMs() - startedMs;
    if (takenMs <= patienceMs + sizeBytes / slowestBytesPerMs) return;
    const seconds = (takenMs / 1000).toFixed(1);
    throw refuse(
      "store-unknown",
      `the answer comes too slowly (${sizeBytes} bytes in ${seconds} s): whether it was done is not known`,
    );
  });
  if (bytes === null) throw tooLong();
  return bytes;
}
