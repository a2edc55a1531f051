import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { smallestPackedMultiSizeBytes } from "../../src/chanbackup/packed-multi.ts";
import { type ChannelSchema, Lightning } from "../../src/node/lnd/gen/lnrpc_pb.ts";
import { WalletKit } from "../../src/node/lnd/gen/walletrpc_pb.ts";
import type { LndCall } from "../../src/node/lnd/lnd-calls.ts";
import { parseOutPoint } from "../../src/wire/out-point.ts";

export function tlsFile(name: string): string {
  return new URL(`tls/${name}`, import.meta.url).pathname;
}

export const fakePubkey = `02${"ab".repeat(32)}`;

/** As lnd's: version 2 and a location, then bytes that mean nothing. */
export const fakeMacaroon = Buffer.concat([Buffer.from("0201036c6e64", "hex"), randomBytes(60)]);

/** A channel point with a txid made of the digit. */
export function point(digit: number, index = 0): string {
  return `${String(digit).repeat(64)}:${index}`;
}

interface Stream {
  push(): void;
  /** Without an error: the clean end. */
  end(error?: ConnectError): void;
}

/**
 * Serves lnd's calls over gRPC and TLS, in this process, with a certificate that is for localhost.
 * It answers as lnd does (`test/node/lnd-peer.test.ts` holds that against a real one), and can be told to
 * fail in each way that lnd and networks fail in.
 */
export class FakeLnd {
  pubkey = fakePubkey;
  network = "regtest";
  macaroon: Buffer = fakeMacaroon;
  /** What a backup holds, by its bytes in hex: what lnd could decrypt. */
  readonly known = new Map<string, readonly string[]>();
  /** What DeriveKey answers, by "family/index". */
  readonly keys = new Map<string, Uint8Array>();
  /** Of the next export. */
  channelPoints: readonly string[] = [];
  /** What the next export says is in it; default what is. */
  listed: readonly string[] | null = null;
  open: readonly string[] = [];
  pendingOpen: readonly string[] = [];
  /** More of an open channel, by its channel point. */
  readonly details = new Map<string, MessageInitShape<typeof ChannelSchema>>();
  /** What a closing channel still owes, by its channel point. */
  readonly limboSat = new Map<string, bigint>();
  /** Where its time locks end: of its own output first, then of its payments. */
  readonly maturityHeights = new Map<string, readonly number[]>();
  peers: readonly { pubKey: string; address: string; inbound: boolean }[] = [];
  /** Addresses by public key; a node that is not in it is none that lnd knows. */
  readonly announced = new Map<string, readonly string[]>();
  /** Status flags by channel point, as lnd spells them. */
  readonly waitingClose = new Map<string, string>();
  forceClosing: readonly string[] = [];
  /** No lnd of today lists any here. */
  pendingClosing: readonly string[] = [];
  /** lnd's number of how it closed, by channel point. */
  readonly closed = new Map<string, number>();
  /** What happens right after the next export. */
  onExport: () => void = () => undefined;
  /** Calls that fail, and how. */
  readonly failures = new Map<LndCall, ConnectError>();
  /** Calls that never get an answer. */
  readonly hanging = new Set<LndCall>();
  /** How many bytes an export lacks at its end. */
  cutOffBytes = 0;
  readonly calls: LndCall[] = [];
  readonly streams = new Set<Stream>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #server: Http2SecureServer | null = null;
  #port = 0;

  get address(): string {
    return `localhost:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** A second time on the same port. */
  async start(certificate = "fake-lnd"): Promise<void> {
    const server = createSecureServer(
      {
        cert: readFileSync(tlsFile(`${certificate}.cert.pem`)),
        key: readFileSync(tlsFile(`${certificate}.key.pem`)),
      },
      connectNodeAdapter({
        routes: (router) => {
          router.service(Lightning, this.#service());
          router.service(WalletKit, this.#walletKit());
        },
      }),
    );
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    server.listen(this.#port, "localhost");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends all streams cleanly first, as lnd does. May be called twice. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    for (const stream of this.streams) stream.end();
    await new Promise((resolve) => setImmediate(resolve));
    const closed = once(server, "close");
    server.close();
    this.reset();
    await closed;
  }

  /** Tears every connection down, without a word. */
  reset(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** A Multi that this lnd can decrypt. */
  pack(channelPoints: readonly string[]): Uint8Array {
    const packed = new Uint8Array(randomBytes(smallestPackedMultiSizeBytes(channelPoints.length)));
    this.known.set(Buffer.from(packed).toString("hex"), channelPoints);
    return packed;
  }

  #service(): Partial<ServiceImpl<typeof Lightning>> {
    return {
      getInfo: (_, context) =>
        this.#answer("GetInfo", context, () => ({
          identityPubkey: this.pubkey,
          version: "0.21.0-beta",
          chains: [{ network: this.network }],
        })),
      listChannels: (_, context) =>
        this.#answer("ListChannels", context, () => ({
          channels: this.open.map((channelPoint) => ({
            ...this.details.get(channelPoint),
            channelPoint,
          })),
        })),
      pendingChannels: (_, context) =>
        this.#answer("PendingChannels", context, () => ({
          pendingOpenChannels: this.pendingOpen.map((channelPoint) => ({
            channel: { channelPoint },
          })),
          pendingClosingChannels: this.pendingClosing.map((channelPoint) => ({
            channel: { channelPoint, localBalance: this.limboSat.get(channelPoint) ?? 0n },
          })),
          pendingForceClosingChannels: this.forceClosing.map((channelPoint) => {
            const [maturityHeight = 0, ...ofHtlcs] = this.maturityHeights.get(channelPoint) ?? [];
            return {
              channel: { channelPoint },
              limboBalance: this.limboSat.get(channelPoint) ?? 0n,
              maturityHeight,
              pendingHtlcs: ofHtlcs.map((height) => ({ maturityHeight: height })),
            };
          }),
          waitingCloseChannels: [...this.waitingClose].map(([channelPoint, chanStatusFlags]) => ({
            channel: { channelPoint, chanStatusFlags },
            limboBalance: this.limboSat.get(channelPoint) ?? 0n,
          })),
        })),
      closedChannels: (_, context) =>
        this.#answer("ClosedChannels", context, () => ({
          channels: [...this.closed].map(([channelPoint, closeType]) => ({
            channelPoint,
            closeType,
          })),
        })),
      listPeers: (_, context) =>
        this.#answer("ListPeers", context, () => ({ peers: [...this.peers] })),
      getNodeInfo: ({ pubKey }, context) =>
        this.#answer("GetNodeInfo", context, () => {
          const addresses = this.announced.get(pubKey);
          if (addresses === undefined) {
            throw new ConnectError("unable to find node", Code.NotFound);
          }
          return {
            node: { pubKey, addresses: addresses.map((addr) => ({ network: "tcp", addr })) },
          };
        }),
      exportAllChannelBackups: (_, context) =>
        this.#answer("ExportAllChannelBackups", context, () => {
          const packed = this.pack(this.channelPoints);
          this.onExport();
          return {
            multiChanBackup: {
              chanPoints: (this.listed ?? this.channelPoints).map((text) => {
                const { txid, index } = parseOutPoint(text);
                return {
                  fundingTxid: { case: "fundingTxidBytes" as const, value: txid },
                  outputIndex: index,
                };
              }),
              multiChanBackup: packed.subarray(0, packed.length - this.cutOffBytes),
            },
          };
        }),
      verifyChanBackup: (request, context) =>
        this.#answer("VerifyChanBackup", context, () => {
          const packed = request.multiChanBackup?.multiChanBackup ?? new Uint8Array();
          const chanPoints = this.known.get(Buffer.from(packed).toString("hex"));
          if (chanPoints === undefined) {
            throw lndError(
              "invalid multi channel backup: chacha20poly1305: message authentication failed",
            );
          }
          return { chanPoints: [...chanPoints] };
        }),
      subscribeChannelBackups: (_, context) => this.#stream(context),
    };
  }

  #walletKit(): ServiceImpl<typeof WalletKit> {
    return {
      deriveKey: ({ keyFamily, keyIndex }, context) =>
        this.#answer("DeriveKey", context, () => ({
          rawKeyBytes: this.keys.get(`${keyFamily}/${keyIndex}`) ?? new Uint8Array(),
        })),
    };
  }

  async #answer<T>(call: LndCall, context: HandlerContext, make: () => T): Promise<T> {
    this.#admit(call, context);
    if (this.hanging.has(call)) await once(context.signal, "abort");
    return make();
  }

  async *#stream(context: HandlerContext) {
    this.#admit("SubscribeChannelBackups", context);
    let pushed = 0;
    let ended: { readonly error: ConnectError | undefined } | null = null;
    let wake = (): void => undefined;
    const stream: Stream = {
      push: () => {
        pushed++;
        wake();
      },
      end: (error) => {
        ended = { error };
        wake();
      },
    };
    context.signal.addEventListener("abort", () => stream.end());
    this.streams.add(stream);
    try {
      for (let sent = 0; ; ) {
        if (sent < pushed) {
          sent++;
          yield {};
          continue;
        }
        const end = ended as { readonly error: ConnectError | undefined } | null;
        if (end?.error !== undefined) throw end.error;
        if (end !== null) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.streams.delete(stream);
    }
  }

  #admit(call: LndCall, context: HandlerContext): void {
    this.calls.push(call);
    const failure = this.failures.get(call);
    if (failure !== undefined) throw failure;
    if (context.requestHeader.get("macaroon") !== this.macaroon.toString("hex")) {
      throw lndError("verification failed: signature mismatch after caveat verification");
    }
  }
}

/** lnd gives its errors no status of their own. */
export function lndError(text: string): ConnectError {
  return new ConnectError(text, Code.Unknown);
}
