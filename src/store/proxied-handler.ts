import type { Agent, ClientRequest } from "node:http";
import { NodeHttpHandler, type NodeHttpHandlerOptions } from "@smithy/node-http-handler";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { SocksProxyAgent } from "socks-proxy-agent";
import { type NamedProxy, proxyFor } from "../runtime/proxy-environment.ts";
import { ProxyTrouble } from "../runtime/proxy-trouble.ts";

type Handle = NodeHttpHandler["handle"];

/**
 * Sends each request through the proxy that the environment names for its host, or without one. Throws
 * `ProxyTrouble` for what ended at the proxy, and never got to the store.
 */
export class ProxiedHandler extends NodeHttpHandler {
  readonly #options: NodeHttpHandlerOptions;
  /** By the proxy's URL. */
  readonly #handlers = new Map<string, NodeHttpHandler>();

  constructor(options: NodeHttpHandlerOptions) {
    super(options);
    this.#options = options;
  }

  override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const { protocol, hostname, port } = request;
    const target = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
    const proxy = proxyFor(target, process.env);
    if (proxy === null) return super.handle(request, options);
    const result = await this.#through(proxy)
      .handle(request, options)
      .catch((error: unknown) => {
        throw isConnectTimeout(error) ? new ProxyTrouble("unreached", proxy.name, tooLong) : error;
      });
    // S3 has no such answer.
    if (result.response.statusCode === 407) throw ProxyTrouble.fromStatus(407, proxy.name);
    return result;
  }

  override destroy(): void {
    super.destroy();
    for (const handler of this.#handlers.values()) handler.destroy();
  }

  #through(proxy: NamedProxy): NodeHttpHandler {
    const known = this.#handlers.get(proxy.url.href);
    if (known !== undefined) return known;
    const handler = new NodeHttpHandler({ ...this.#options, ...agentsFor(proxy) });
    this.#handlers.set(proxy.url.href, handler);
    return handler;
  }
}

const tooLong = "it made no connection in time";

/** The SDK gives it no code of its own. */
function isConnectTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.includes("did not establish a connection");
}

function agentsFor({ url, name }: NamedProxy): { httpAgent: Agent; httpsAgent: Agent } {
  const keepAlive = true;
  if (url.protocol.startsWith("socks")) {
    const agent = new SocksProxyAgent(url, { keepAlive });
    // The agent leaves an IPv6 address in its brackets.
    agent.proxy.host = url.hostname.replace(/^\[|\]$/g, "");
    return { httpAgent: naming(agent, name), httpsAgent: naming(agent, name) };
  }
  // The agents print their URL when DEBUG is set.
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  const headers = authorization(url);
  return {
    // Many proxies close each connection after an answer, and the next request would be lost in it.
    httpAgent: naming(new HttpProxyAgent(bare, { headers }), name),
    httpsAgent: naming(new HttpsProxyAgent(bare, { headers, keepAlive }), name),
  };
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

type Connecting = Agent & { connect(request: ClientRequest, options: never): Promise<unknown> };

/** Has an agent throw `ProxyTrouble` for a connection that the proxy didn't make. */
function naming<A extends Connecting>(agent: A, name: string): A {
  const connect: Connecting["connect"] = agent.connect.bind(agent);
  const named: Connecting["connect"] = async (request, options) => {
    let trouble: ProxyTrouble | null = null;
    // An agent hands a refusal on as if it were the store's answer.
    request.once("proxyConnect", ({ statusCode = 200 }: { statusCode?: number }) => {
      trouble = ProxyTrouble.fromStatus(statusCode, name);
    });
    try {
      const socket = await connect(request, options);
      if (trouble === null) return socket;
    } catch (error) {
      throw ProxyTrouble.from(error, name);
    }
    throw trouble;
  };
  return Object.assign(agent, { connect: named });
}
