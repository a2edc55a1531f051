import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/runtime/clock.ts";
import { createS3Client } from "../../src/store/s3-client.ts";
import { S3Store } from "../../src/store/s3-store.ts";

/** How a store answers one request. The request's body has been read by then. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
) => void | Promise<void>;

/** An answer of this status, with the XML of an S3 error where a code is given. */
export function errorAnswer(
  status: number,
  code?: string,
  { inside = "", headers = {} }: { inside?: string; headers?: Record<string, string> } = {},
): Answer {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/xml", ...headers });
    const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said by the store</Message>${inside}</Error>`;
    response.end(code === undefined ? undefined : xml);
  };
}

/** A server of the test's own that answers as it is told, and a store that talks to it. */
export class AnsweringServer implements AsyncDisposable {
  answer: Answer = errorAnswer(500);
  readonly requests: {
    method: string;
    url: string;
    headers: IncomingMessage["headers"];
    body: Buffer;
  }[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const { method = "", url = "", headers } = request;
      this.requests.push({ method, url, headers, body });
      await this.answer(request, response, body);
    });
  }

  static async start(): Promise<AnsweringServer> {
    const started = new AnsweringServer();
    await new Promise<void>((resolve) => started.#server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export async function openStoreAt(endpoint: string, clock?: Clock): Promise<S3Store> {
  const requestTimeoutMs = 400;
  const client = await createS3Client({
    endpoint,
    region: "us-east-1",
    requestTimeoutMs,
    connectTimeoutMs: 300,
  });
  return new S3Store({
    client,
    bucket: "bucket",
    prefix: "pre",
    requestTimeoutMs,
    ...(clock === undefined ? {} : { clock }),
  });
}
