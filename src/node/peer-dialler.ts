import { once } from "node:events";
import { connect, isIP } from "node:net";
import { throwIfAborted } from "../runtime/abort.ts";
import { ProxyRefusal, socksConnect } from "./socks5.ts";

/** What became of trying one address. */
export interface DialResult {
  /** "answers": something takes connections there; that it is the peer was not checked. */
  readonly outcome: "answers" | "no-answer" | "not-tried";
  /** Why, where it does not answer or was not tried. */
  readonly reason: string | null;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export interface PeerDiallerOptions {
  /** How long one address may take; through Tor five times that, since a circuit has to be built. */
  readonly timeoutMs: number;
  /** A SOCKS5 proxy for Tor addresses. Without it they are not tried. */
  readonly torProxy: HostAndPort | null;
}

export interface Dialler {
  /** `address` is `host:port`, as lnd and `formatNetAddress` write it. Throws only "aborted". */
  dial(address: string, signal?: AbortSignal): Promise<DialResult>;
}

/**
 * Opens a TCP connection to a peer's address and closes it again, nothing sent. Only a Tor address goes
 * through the proxy.
 */
export class PeerDialler implements Dialler {
  readonly #options: PeerDiallerOptions;

  constructor(options: PeerDiallerOptions) {
    this.#options = options;
  }

  async dial(address: string, signal?: AbortSignal): Promise<DialResult> {
    const target = parseHostAndPort(address);
    if (target === null) return notTried("it is no host and port");
    const { timeoutMs, torProxy } = this.#options;
    if (!target.host.endsWith(".onion")) return tried(target, null, timeoutMs, signal);
    // Tor v2, of 16 characters, is not served by the Tor network since 2021.
    if (target.host.length <= "0123456789abcdef.onion".length) {
      return notTried("Tor v2 addresses exist no more");
    }
    if (torProxy === null) return notTried("a Tor address: give --tor-proxy");
    return tried(torProxy, target, 5 * timeoutMs, signal);
  }
}

async function tried(
  { host, port }: HostAndPort,
  beyond: HostAndPort | null,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<DialResult> {
  throwIfAborted(signal);
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const socket = connect({ host, port });
  const end = (): void => void socket.destroy(new Error("no answer in time"));
  either.addEventListener("abort", end, { once: true });
  // Whoever waits on the socket hears of it there; one that nobody listens to would end the process.
  socket.on("error", () => undefined);
  let isConnected = false;
  try {
    await once(socket, "connect");
    isConnected = true;
    if (beyond !== null) await socksConnect(socket, beyond.host, beyond.port);
    return { outcome: "answers", reason: null };
  } catch (error) {
    throwIfAborted(signal);
    const reason = reasonOf(error);
    if (beyond === null || error instanceof ProxyRefusal || (isConnected && timeout.aborted)) {
      return { outcome: "no-answer", reason };
    }
    return notTried(`the Tor proxy ${host}:${port}: ${reason}`);
  } finally {
    either.removeEventListener("abort", end);
    socket.destroy();
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  const known = { ECONNREFUSED: "connection refused", ENOTFOUND: "no such host" }[code];
  return known ?? (error.message === "" ? code : error.message);
}

function notTried(reason: string): DialResult {
  return { outcome: "not-tried", reason };
}

/** Reads `1.2.3.4:9735`, `[::1]:9735` or `host.example:9735`; null for anything else. */
export function parseHostAndPort(text: string): HostAndPort | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return null;
  return match?.[1] === undefined || isIP(host) === 6 ? { host, port } : null;
}
