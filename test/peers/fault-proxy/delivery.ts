import { once } from "node:events";
import { type Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface WholeRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** Alternating names and values, as they came: `Host` is signed, so it stays what the client wrote. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface WholeAnswer {
  readonly status: number;
  /** Without the headers about the connection. */
  readonly rawHeaders: readonly string[];
  readonly etag: string | null;
  readonly body: Buffer;
}

const connectionHeaders = ["connection", "keep-alive", "transfer-encoding", "proxy-connection"];

/** Alternating names and values, without the headers named in `without` (in lower case). */
export function headersWithout(
  rawHeaders: readonly string[],
  without: readonly string[],
): readonly string[] {
  return rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)] ?? "";
    return !without.includes(name.toLowerCase());
  });
}

/**
 * Gives the request to the store, and waits for the whole answer. Null if none came: nobody
 * listened, or the connection broke.
 */
export async function deliver(
  endpoint: URL,
  agent: Agent,
  { method, target, rawHeaders, body }: WholeRequest,
  { bytesPerSecond = Number.POSITIVE_INFINITY } = {},
): Promise<WholeAnswer | null> {
  const sent = open(endpoint, agent, method, target, rawHeaders);
  try {
    const answered = once(sent, "response");
    // A store may answer, or close the connection, before it has read the whole body.
    answered.catch(() => undefined);
    await trickle(body, bytesPerSecond, (piece) => sent.write(piece));
    sent.end();
    const [answer]: IncomingMessage[] = await answered;
    if (answer === undefined) return null;
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return {
      status: answer.statusCode ?? 0,
      rawHeaders: headersWithout(answer.rawHeaders, connectionHeaders),
      etag: answer.headers.etag ?? null,
      body: Buffer.concat(chunks),
    };
  } catch {
    return null;
  }
}

/** Sends the store the head and half of the body, then breaks the connection. */
export async function deliverHalf(
  endpoint: URL,
  agent: Agent,
  { method, target, rawHeaders, body }: WholeRequest,
): Promise<void> {
  const sent = open(endpoint, agent, method, target, rawHeaders);
  const broken = new Promise((resolve) => sent.once("close", resolve));
  sent.on("error", () => undefined);
  sent.write(body.subarray(0, body.length / 2), () => {
    // Lets the store read it, so that it sees a truncated body and not a late one.
    setTimeout(() => sent.destroy(), 20);
  });
  await broken;
}

/** Writes `bytes` piece by piece, as fast as a line of that width would. */
export async function trickle(
  bytes: Buffer,
  bytesPerSecond: number,
  write: (piece: Buffer) => unknown,
): Promise<void> {
  const everyMs = 20;
  const pieceBytes = Math.max(1, Math.floor((bytesPerSecond * everyMs) / 1000));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (at > 0) await delay(everyMs);
    write(bytes.subarray(at, at + pieceBytes));
  }
}

function open(
  { hostname, port }: URL,
  agent: Agent,
  method: string,
  path: string,
  rawHeaders: readonly string[],
) {
  const headers = headersWithout(rawHeaders, connectionHeaders);
  return request({ agent, hostname, port, method, path, headers, setHost: false });
}
