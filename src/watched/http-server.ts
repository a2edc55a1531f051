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

/** Answers a request for a path, with what follows its `?`; null for a path that isn't there. */
export type Answering = (path: string, query: URLSearchParams) => Promise<Answer | null>;

export interface HttpServerOptions {
  readonly address: HostAndPort;
  /** Names that it answers to, besides localhost and IP addresses. In lower case. */
  readonly allowedHosts: readonly string[];
  readonly answer: Answering;
}

/** A server that answers. */
export interface HttpServer {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly address: HostAndPort;
  /** Ends every connection. May be called twice. */
  close(): Promise<void>;
}

const mostConnections = 256;
/** With more than so many, one that has taken its time gives way to each new one. */
const crowdedAt = 64;
const patienceMs = 250;
const requestTimeoutMs = 5_000;
const idleTimeoutMs = 10_000;
const mostHeaderBytes = 8 * 1024;

/** What every answer says of itself, so that a browser keeps it to itself. */
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
 * It is Node's own server because five read-only paths need nothing more. A framework such as fastify
 * would add routing, parsing of bodies, and plugins that must then be kept out of reach; it would load
 * some 60 more modules at each start; and all of these limits would still be Node's to set.
 *
 * Throws "io" if the port can't be had, "usage" for an address that isn't this machine's.
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
  // A mirror ends when it has ended, whoever is still connected.
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

/** A client that is slow can't keep others out. */
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
  // Whoever goes away in the middle is no trouble of ours.
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
    send(request, response, found ?? plain(404, "there is nothing here"));
  } catch (error) {
    process.emitWarning(`an answer to ${request.method} failed: ${String(error)}`, {
      type: "ScbHttpWarning",
    });
    send(request, response, plain(500, "a defect in scb-mirror: see its log"));
  }
}

/** A text of one line. */
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
    "another program has this port, maybe another scb-mirror run: stop it, or choose another port with --listen",
  ],
  EACCES: ["io", "this user may not have this port: choose one above 1023 with --listen"],
  EADDRNOTAVAIL: [
    "usage",
    "this machine has no such address: give one that it has, such as 127.0.0.1",
  ],
  ENOTFOUND: ["usage", "there is no host of this name: give an address of this machine"],
  EAI_AGAIN: ["usage", "the name can't be looked up: give an address of this machine"],
};

function notListening(error: unknown, address: HostAndPort): ScbError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [known, why] = listenErrors[code] ?? ["io", code === "" ? String(error) : code];
  const where = formatHostAndPort(address);
  return new ScbError(known, `cannot listen on ${where}: ${why}`, { cause: error });
}
