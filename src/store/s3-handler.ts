import { NodeHttpHandler, type NodeHttpHandlerOptions } from "@smithy/node-http-handler";
import { namesProxy } from "../runtime/proxy-environment.ts";
import type { ProxyTrouble, ProxyTroubleKind } from "../runtime/proxy-trouble.ts";
import type { S3Meaning } from "./s3-meanings.ts";

/**
 * What sends an S3 client's requests: through a proxy, if the environment names one. The libraries for
 * proxies are loaded only then. Throws "usage" for a proxy that can't be one.
 */
export async function s3Handler(options: NodeHttpHandlerOptions): Promise<NodeHttpHandler> {
  if (!namesProxy(process.env)) return new NodeHttpHandler(options);
  const { ProxiedHandler } = await import("./proxied-handler.ts");
  return new ProxiedHandler(options);
}

const meanings: Readonly<Record<ProxyTroubleKind, readonly [S3Meaning["code"], remedy: string]>> = {
  away: ["store-busy", "check that it runs, and the variable that names it"],
  credentials: ["store-denied", "correct them in the variable that names it"],
  forbidden: ["store-denied", "have it allowed there, or name the store's host in NO_PROXY"],
  unreached: ["store-busy", "check the endpoint, and what this proxy can reach"],
};

/** What a proxy's failure means for a request that never got to the store. */
export function meaningOfProxy({ kind, message }: ProxyTrouble): S3Meaning {
  const [code, remedy] = meanings[kind];
  return { code, says: `${message}: ${remedy}` };
}
