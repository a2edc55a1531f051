import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Answer = (response: ServerResponse, received: Received) => void;

/** A receiver of HTTP requests, as a webhook, ntfy, Telegram or a heartbeat's service is one. */
export interface HttpReceiver {
  /** Without a slash at its end. */
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on. Default: 200 "OK". */
  answer: Answer;
  close(): Promise<void>;
}

export async function startHttpReceiver(
  tls: { readonly key: Buffer; readonly cert: Buffer } | null = null,
): Promise<HttpReceiver> {
  const received: Received[] = [];
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const one = { method, path, headers, body };
      received.push(one);
      receiver.answer(response, one);
    });
  };
  const server: Server = tls === null ? createServer(take) : createTlsServer(tls, take);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const receiver: HttpReceiver = {
    url: `${tls === null ? "http" : "https"}://127.0.0.1:${port}`,
    received,
    answer: (response) => void response.end("OK"),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return receiver;
}

export function answering(status: number, text = "", headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(text);
}
