import * as tls from "node:tls";
import { type CallOptions, type Client, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { throwIfAborted } from "../../runtime/abort.ts";
import { ScbError } from "../../runtime/error.ts";
import { parseHostAndPort } from "../../runtime/host-and-port.ts";
import { socksConnect } from "../../runtime/socks-connect.ts";
import { Lightning } from "./gen/lnrpc_pb.ts";
import { WalletKit } from "./gen/walletrpc_pb.ts";
import type { LndCall } from "./lnd-calls.ts";
import type { LndConfig } from "./lnd-config.ts";
import { isConnectionLost, translateLndError } from "./lnd-error.ts";
import { type Dial, PingedSession, type PingTiming } from "./pinged-session.ts";

export interface LndTiming extends PingTiming {
  /** The longest that a call waits for its answer. */
  readonly callTimeoutMs: number;
}

export const defaultLndTiming: LndTiming = {
  callTimeoutMs: 30_000,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 10_000,
};

// lnd's own limit (`lnrpc.MaxGrpcMsgSize`): with thousands of channels, answers have some megabytes.
const maxMessageSizeBytes = 200 * 1024 * 1024;

/** The calls of lnd's two services. No two share a name. */
export type LndClient = Client<typeof Lightning> & Client<typeof WalletKit>;

/**
 * One HTTP/2 connection to lnd, using the certificate that was valid when it was made. The first call
 * opens it. A call that finds it dead aborts it, so that a stream on it ends too.
 */
export class LndConnection {
  readonly #config: LndConfig;
  readonly #timing: LndTiming;
  readonly #session: PingedSession;
  readonly #client: LndClient;

  /** `certificate` is PEM, or null to trust the system's authorities. */
  constructor(config: LndConfig, certificate: string | null, timing: LndTiming) {
    this.#config = config;
    this.#timing = timing;
    const baseUrl = `https://${config.address}`;
    this.#session = new PingedSession(
      baseUrl,
      // As Go does for lncli: a given certificate is trusted, whoever signed it.
      certificate === null ? authorityOptions() : { ca: certificate, allowPartialTrustChain: true },
      timing,
      dialOf(config),
    );
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager: this.#session,
      readMaxBytes: maxMessageSizeBytes,
      writeMaxBytes: maxMessageSizeBytes,
      binaryOptions: { readUnknownFields: false },
    });
    this.#client = { ...createClient(Lightning, transport), ...createClient(WalletKit, transport) };
  }

  /** Whether another call may succeed, as far as is known. */
  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** Makes a call and translates its error: `node-*`, "decrypt", "decode", "io" or "aborted". */
  async call<T>(
    call: LndCall,
    send: (client: LndClient, options: CallOptions) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const timeoutMs = this.#timing.callTimeoutMs;
    try {
      return await send(this.#client, { ...(await this.#options(signal)), timeoutMs });
    } catch (error) {
      throw this.#failure(error, call, signal);
    }
  }

  /** Yields once for each message in the stream of channel backups. Ends when lnd ends the stream. */
  async *channelBackups(signal: AbortSignal): AsyncGenerator<void, void> {
    try {
      const options = await this.#options(signal);
      for await (const _message of this.#client.subscribeChannelBackups({}, options)) yield;
    } catch (error) {
      throw this.#failure(error, "SubscribeChannelBackups", signal);
    }
  }

  /** Closes the connection and ends everything on it. May be called twice. */
  abort(): void {
    this.#session.abort();
  }

  async #options(signal: AbortSignal | undefined): Promise<CallOptions> {
    throwIfAborted(signal);
    const headers = { macaroon: await this.#config.credentials.readMacaroon() };
    return signal === undefined ? { headers } : { headers, signal };
  }

  #failure(error: unknown, call: LndCall, signal: AbortSignal | undefined): Error {
    throwIfAborted(signal);
    if (isConnectionLost(error)) this.abort();
    const { address, credentials } = this.#config;
    return translateLndError(error instanceof Error ? error : ConnectError.from(error), {
      call,
      node: `lnd at ${address}`,
      certificateFrom: credentials.certificateFrom,
      macaroonFrom: credentials.macaroonFrom,
      timeoutMs: this.#timing.callTimeoutMs,
    });
  }
}

/** Null without a proxy. Throws "usage" for an address without a port, which the config never has. */
function dialOf({ socksProxy, address }: LndConfig): Dial | null {
  if (socksProxy === undefined) return null;
  const target = parseHostAndPort(address);
  if (target === null)
    throw new ScbError(
      "usage",
      `lnd at ${address} can't be reached through a proxy: give its port`,
    );
  return (signal) => socksConnect(socksProxy, target, signal);
}

/** By itself, Node only trusts its built-in authorities and not this machine's. */
function authorityOptions(): { ca?: string[] } {
  // Node 22.15 introduced this function.
  if (typeof tls.getCACertificates !== "function") return {};
  const known = [...tls.getCACertificates("default"), ...tls.getCACertificates("system")];
  return { ca: [...new Set(known)] };
}
