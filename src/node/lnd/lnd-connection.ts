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
  /** No call waits longer for its answer. */
  readonly callTimeoutMs: number;
}

export const defaultLndTiming: LndTiming = {
  callTimeoutMs: 30_000,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 10_000,
};

// What lnd itself allows: a node with thousands of channels has some megabytes (`lnrpc.MaxGrpcMsgSize`).
const maxMessageSizeBytes = 200 * 1024 * 1024;

/** The calls of lnd's two services: no two have one name. */
export type LndClient = Client<typeof Lightning> & Client<typeof WalletKit>;

/**
 * One HTTP/2 connection to lnd, with the certificate that was valid when it was made. It is made on
 * the first call, and a call that finds it dead aborts it, so that a stream on it ends too.
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
      // As Go does for lncli: a certificate that is given is trusted, whoever has signed it.
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

  /** Whether another call may succeed on it, as far as is known. */
  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** One answer, or the translated error: `node-*`, "decrypt" and "decode", "io", "aborted". */
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

  /** Yields once for each message of the stream of channel backups, and ends when lnd ends it. */
  async *channelBackups(signal: AbortSignal): AsyncGenerator<void, void> {
    try {
      const options = await this.#options(signal);
      for await (const _message of this.#client.subscribeChannelBackups({}, options)) yield;
    } catch (error) {
      throw this.#failure(error, "SubscribeChannelBackups", signal);
    }
  }

  /** Closes it and ends all that is under way on it. May be called twice. */
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

/** Null without a proxy. Throws "usage" for an address without a port, which the config never holds. */
function dialOf({ socksProxy, address }: LndConfig): Dial | null {
  if (socksProxy === undefined) return null;
  const target = parseHostAndPort(address);
  if (target === null) throw new ScbError("usage", `lnd at ${address} can't be reached by a proxy`);
  return (signal) => socksConnect(socksProxy, target, signal);
}

/** Node alone knows only the authorities that it was built with, and not those of this machine. */
function authorityOptions(): { ca?: string[] } {
  // Node 22.15 is the first that can be asked.
  if (typeof tls.getCACertificates !== "function") return {};
  const known = [...tls.getCACertificates("default"), ...tls.getCACertificates("system")];
  return { ca: [...new Set(known)] };
}
