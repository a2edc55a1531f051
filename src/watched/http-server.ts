import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ErrorCode, ScbError } from "../runtime/error.ts";
import { formatHostAndPort, type HostAndPort } from "../runtime/host-and-port.ts";
import { rejectionOf } from "./request-check.ts";

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request for a path and query; null for an unknown path. */
export type Answering = (path: string, query: URLSearchParams) => Promise<Answer | null>;

export interface HttpServerOptions {
  readonly address: HostAndPort;
  /** Host names that it answers to, besides localhost and IP addresses. In lower case. */
  readonly allowedHosts: readonly string[];
  readonly answer: Answering;
}

/** A listening server. */
export interface HttpServer {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly address: HostAndPort;
  /** Ends every connection. May be called twice. */
  close(): Promise<void>;
}

const mostConnections = 256;
/** With more connections than this, each new one replaces the oldest, if that one is slow. */
const crowdedAt = 64;
const patienceMs = 250;
const requestTimeoutMs = 5_000;
const idleTimeoutMs = 10_000;
const mostHeaderBytes = 8 * 1024;

/** Headers of every answer, so that a browser neither stores nor shares it. */
const commonHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  connection: "close",
} as const;

const noPage = "default-src 'none'; frame-ancestors 'none'";

/**
 * Serves GET and HEAD, within bounds: 256 connections of one request each, 8 kB of headers within 5 s,
 * and no body. If it gets crowded, slow connections give way to new ones.
 *
 * It uses Node's own server, because five read-only paths need nothing more. A framework such as fastify
 * would add routing, body parsing and plugins that we'd have to lock down, and would load some 60 more
 * modules at each start; and all of these limits would still have to be set in Node.
 *
 * Throws "io" if the port isn't available, "usage" for an address that isn't this machine's.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { address } = options;
  const connections = new Map<Socket, number>();
  const server = createServer(
    {
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 1,
      maxHeaderSize: mostHeaderBytes,
      requireHostHeader: true,
    },
    (request, response) => void respond(request, response, options),
  );
  server.maxConnections = mostConnections;
  server.setTimeout(idleTimeoutMs, (socket: Socket) => socket.destroy());
  server.on("connection", (socket) => {
    connections.set(socket, performance.now());
    socket.once("close", () => connections.delete(socket));
    if (connections.size > crowdedAt) evictOldest(connections, patienceMs);
  });
  server.on("drop", () => evictOldest(connections, 0));
  server.on("checkContinue", (_, response) => response.writeHead(417, commonHeaders).end());
  server.on("upgrade", (_, socket) => socket.destroy());
  server.on("connect", (_, socket) => socket.destroy());
  server.listen({ host: address.host, port: address.port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    throw notListening(error, address);
  }
  // Open connections must not keep the mirror from exiting.
  server.unref();
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  return {
    address: { ...address, port },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A slow client must not keep others out. */
function evictOldest(connections: ReadonlyMap<Socket, number>, patienceMs: number): void {
  const [oldest] = connections;
  if (oldest === undefined) return;
  const [socket, sinceMs] = oldest;
  if (performance.now() - sinceMs >= patienceMs) socket.destroy();
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { allowedHosts, answer }: HttpServerOptions,
): Promise<void> {
  // It isn't an error if the client goes away.
  response.on("error", () => undefined);
  try {
    const rejection = rejectionOf(request, allowedHosts);
    if (rejection !== null) {
      const { status, text } = rejection;
      return send(
        request,
        response,
        plain(status, text, status === 405 ? { allow: "GET, HEAD" } : {}),
      );
    }
    const [path = "/", query] = (request.url ?? "/").split("?", 2);
    const found = await answer(path, new URLSearchParams(query));
    send(request, response, found ?? plain(404, "not found"));
  } catch (error) {
    process.emitWarning(`an answer to ${request.method} failed: ${String(error)}`, {
      type: "ScbHttpWarning",
    });
    send(request, response, plain(500, "a defect in scb-mirror: see its log"));
  }
}

/** An answer of one line. */
export function plain(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${text}\n`, headers };
}

function send({ method }: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const { status, type, body, headers } = answer;
  response.writeHead(status, {
    "content-security-policy": noPage,
    ...commonHeaders,
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(method === "HEAD" ? undefined : body);
}

const listenErrors: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EADDRINUSE: [
    "io",
    "another program uses this port, perhaps another scb-mirror run: stop it, or choose another port with --listen",
  ],
  EACCES: ["io", "this user may not use this port: choose one above 1023 with --listen"],
  EADDRNOTAVAIL: [
    "usage",
    "this machine doesn't have this address: give one that it has, such as 127.0.0.1",
  ],
  ENOTFOUND: ["usage", "there is no host with this name: give one of this machine's addresses"],
  EAI_AGAIN: ["usage", "the name can't be resolved: give one of this machine's addresses"],
};

function notListening(error: unknown, address: HostAndPort): ScbError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [known, why] = listenErrors[code] ?? ["io", code === "" ? String(error) : code];
  const where = formatHostAndPort(address);
  return new ScbError(known, `can't listen on ${where}: ${why}`, { cause: error });
}
