import { NodeHttpHandler, type NodeHttpHandlerOptions } from "@smithy/node-http-handler";
import { namesProxy } from "../runtime/proxy-environment.ts";
import type { ProxyTrouble, ProxyTroubleKind } from "../runtime/proxy-trouble.ts";
import type { Meaning } from "./http-meanings.ts";

export interface HttpPatience {
  /** How long until an answer must begin, and how long it may stall. */
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/**
 * Sends requests, each once, through a proxy if the environment names one. Loads the libraries for
 * proxies only then. Throws "usage" for an invalid proxy.
 */
export async function httpHandler({
  requestTimeoutMs,
  connectTimeoutMs,
}: HttpPatience): Promise<NodeHttpHandler> {
  const options: NodeHttpHandlerOptions = {
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    socketTimeout: requestTimeoutMs,
    httpAgent: { keepAlive: true },
    httpsAgent: { keepAlive: true },
  };
  if (!namesProxy(process.env)) return new NodeHttpHandler(options);
  const { ProxiedHandler } = await import("./proxied-handler.ts");
  return new ProxiedHandler(options);
}

const meanings: Readonly<Record<ProxyTroubleKind, readonly [Meaning["code"], remedy: string]>> = {
  away: ["store-busy", "check that it runs, and the variable that names it"],
  credentials: ["store-denied", "correct them in the variable that names it"],
  forbidden: ["store-denied", "allow it there, or name the store's host in NO_PROXY"],
  unreached: ["store-busy", "check the endpoint, and what this proxy can reach"],
};

/** What a proxy's failure means for a request that never reached the store. */
export function meaningOfProxy({ kind, message }: ProxyTrouble): Meaning {
  const [code, remedy] = meanings[kind];
  return { code, says: `${message}: ${remedy}` };
}
