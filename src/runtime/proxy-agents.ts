import type { Agent, ClientRequest } from "node:http";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { SocksProxyAgent } from "socks-proxy-agent";
import type { NamedProxy } from "./proxy-environment.ts";
import { ProxyTrouble } from "./proxy-trouble.ts";

/**
 * Agents that connect through a proxy, for requests with and without TLS. They throw `ProxyTrouble` if
 * the proxy makes no connection. The caller must destroy them.
 */
export function agentsFor({ url, name }: NamedProxy): { httpAgent: Agent; httpsAgent: Agent } {
  const keepAlive = true;
  if (url.protocol.startsWith("socks")) {
    const agent = new SocksProxyAgent(url, { keepAlive });
    // The agent keeps the brackets of an IPv6 address.
    agent.proxy.host = url.hostname.replace(/^\[|\]$/g, "");
    return { httpAgent: naming(agent, name), httpsAgent: naming(agent, name) };
  }
  // The agents print their URL if DEBUG is set.
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  const headers = authorization(url);
  return {
    // Many proxies close each connection after an answer, which would lose the next request.
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

/** Makes an agent throw `ProxyTrouble` if the proxy makes no connection. */
function naming<A extends Connecting>(agent: A, name: string): A {
  const connect: Connecting["connect"] = agent.connect.bind(agent);
  const named: Connecting["connect"] = async (request, options) => {
    let trouble: ProxyTrouble | null = null;
    // An agent passes a refusal on as if it were the store's answer.
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
