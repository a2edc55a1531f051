import { once } from "node:events";
import { connect } from "node:net";
import { throwIfAborted } from "../runtime/abort.ts";
import { type HostAndPort, parseHostAndPort } from "../runtime/host-and-port.ts";
import { ProxyTrouble } from "../runtime/proxy-trouble.ts";
import { socksConnect } from "../runtime/socks-connect.ts";

/** The result of trying one address. */
export interface DialResult {
  /** "answers" means that something accepts connections there, not that it was proved to be the peer. */
  readonly outcome: "answers" | "no-answer" | "not-tried";
  /** Why it didn't answer or wasn't tried; otherwise null. */
  readonly reason: string | null;
}

export interface PeerDiallerOptions {
  /** The limit for one address. Tor gets five times that, because a circuit has to be built. */
  readonly timeoutMs: number;
  /** A SOCKS5 proxy for Tor addresses, which are not tried without it. */
  readonly torProxy: HostAndPort | null;
}

export interface Dialler {
  /** `address` is `host:port`, as lnd and `formatNetAddress` write it. Throws only "aborted". */
  dial(address: string, signal?: AbortSignal): Promise<DialResult>;
}

/**
 * Opens a TCP connection to a peer's address and closes it again, without sending anything. Only Tor
 * addresses go through the proxy.
 */
export class PeerDialler implements Dialler {
  readonly #options: PeerDiallerOptions;

  constructor(options: PeerDiallerOptions) {
    this.#options = options;
  }

  async dial(address: string, signal?: AbortSignal): Promise<DialResult> {
    const target = parseHostAndPort(address);
    if (target === null) return notTried("it isn't a host and port");
    const { timeoutMs, torProxy } = this.#options;
    if (!target.host.endsWith(".onion")) return dialled(target, timeoutMs, signal);
    // The Tor network stopped serving v2 addresses, which have 16 characters, in 2021.
    if (target.host.length <= "0123456789abcdef.onion".length) {
      return notTried("Tor v2 addresses no longer work");
    }
    if (torProxy === null) return notTried("a Tor address: give --tor-proxy or --socksproxy");
    return dialledThrough(torProxy, target, 5 * timeoutMs, signal);
  }
}

async function dialled(
  target: HostAndPort,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<DialResult> {
  throwIfAborted(signal);
  const within = either(timeoutMs, signal);
  const socket = connect(target);
  // The error is handled below; without a listener it would end the process.
  socket.on("error", () => undefined);
  try {
    await once(socket, "connect", { signal: within });
    return answers;
  } catch (error) {
    throwIfAborted(signal);
    return noAnswer(within.aborted ? late : reasonOf(error));
  } finally {
    socket.destroy();
  }
}

async function dialledThrough(
  proxy: HostAndPort,
  target: HostAndPort,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<DialResult> {
  throwIfAborted(signal);
  const within = either(timeoutMs, signal);
  try {
    const socket = await socksConnect(proxy, target, within);
    socket.destroy();
    return answers;
  } catch (error) {
    throwIfAborted(signal);
    // A proxy that takes this long is looking for the host.
    if (within.aborted) return noAnswer(late);
    if (!(error instanceof ProxyTrouble)) throw error;
    return error.kind === "unreached" ? noAnswer(error.reason) : notTried(`Tor: ${error.message}`);
  }
}

function either(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

const late = "no answer in time";
const answers: DialResult = { outcome: "answers", reason: null };

function noAnswer(reason: string): DialResult {
  return { outcome: "no-answer", reason };
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
