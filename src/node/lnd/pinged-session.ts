import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Http2SessionManager } from "@connectrpc/connect-node";

export interface PingTiming {
  /** lnd closes a connection that is pinged more often than every 5 s (`grpc.client-ping-min-wait`). */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** Makes the connection under TLS and HTTP/2. Rejects as soon as the signal aborts. */
export type Dial = (signal: AbortSignal) => Promise<Socket>;

/** The part of connect's session manager that its transport uses. */
type SessionManager = Pick<Http2SessionManager, "authority" | "request" | "notifyResponseByteRead">;

/**
 * One HTTP/2 session, opened by the first request and pinged as long as it lives. Unlike connect's own
 * manager, it never silently opens a second one, because the node's identity must then be checked again.
 * It may also be aborted while it is failing.
 */
export class PingedSession implements SessionManager {
  readonly authority: string;
  readonly #options: SecureClientSessionOptions;
  readonly #timing: PingTiming;
  readonly #dial: Dial | null;
  readonly #dialling = new AbortController();
  #connecting: Promise<ClientHttp2Session> | null = null;
  #session: ClientHttp2Session | null = null;
  #isOver = false;
  #hasHeard = false;

  /** `dial` is null to connect directly to the host of `baseUrl`. */
  constructor(
    baseUrl: string,
    options: SecureClientSessionOptions,
    timing: PingTiming,
    dial: Dial | null = null,
  ) {
    this.#dial = dial;
    this.authority = new URL(baseUrl).origin;
    this.#options = options;
    this.#timing = timing;
  }

  /** Whether another request may succeed, as far as is known. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Parameters<SessionManager["request"]>[3],
  ): Promise<ClientHttp2Stream> {
    if (this.#isOver) throw new ConnectError("the connection is closed", Code.Unavailable);
    this.#connecting ??= this.#open();
    const session = await this.#connecting;
    return session.request({ ...headers, ":method": method, ":path": path }, options);
  }

  /** Any arriving byte is as good as the answer to a ping. */
  notifyResponseByteRead(): void {
    this.#hasHeard = true;
  }

  /** Ends the session and everything on it. May be called twice, at any time. */
  abort(): void {
    this.#isOver = true;
    this.#dialling.abort();
    this.#session?.destroy(
      new ConnectError("the connection was given up", Code.Unavailable),
      constants.NGHTTP2_CANCEL,
    );
  }

  async #open(): Promise<ClientHttp2Session> {
    if (this.#dial === null) return this.#connect(this.#options);
    let socket: Socket;
    try {
      socket = await this.#dial(this.#dialling.signal);
    } catch (error) {
      this.#isOver = true;
      throw new ConnectError("no connection", Code.Unavailable, undefined, undefined, error);
    }
    // Node's own connection for HTTP/2 does the same.
    const { hostname } = new URL(this.authority);
    const servername = isIP(hostname.replace(/^\[|\]$/g, "")) === 0 ? hostname : "";
    const tls = { ...this.#options, socket, servername, ALPNProtocols: ["h2"] };
    return this.#connect({ ...this.#options, createConnection: () => connectTls(tls) });
  }

  #connect(options: SecureClientSessionOptions): Promise<ClientHttp2Session> {
    const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
    const session = connect(this.authority, options);
    this.#session = session;
    let pings: NodeJS.Timeout | undefined;
    session.once("connect", () => {
      pings = setInterval(() => this.#ping(session), this.#timing.pingIntervalMs);
      resolve(session);
    });
    // The streams report errors to their callers. This listener stays for good, because an "error" event
    // without a listener would end the process.
    session.on("error", reject);
    // Requests under way may still be answered, but no new ones are accepted.
    session.once("goaway", () => {
      this.#isOver = true;
    });
    session.once("close", () => {
      this.#isOver = true;
      clearInterval(pings);
      reject(new ConnectError("the connection was closed", Code.Unavailable));
    });
    return promise;
  }

  #ping(session: ClientHttp2Session): void {
    if (session.destroyed) return;
    if (this.#hasHeard) {
      this.#hasHeard = false;
      return;
    }
    const late = setTimeout(
      () => session.destroy(new ConnectError("no answer to a ping", Code.Unavailable)),
      this.#timing.pingTimeoutMs,
    );
    session.ping(() => clearTimeout(late));
  }
}
