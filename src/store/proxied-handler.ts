import { NodeHttpHandler, type NodeHttpHandlerOptions } from "@smithy/node-http-handler";
import { agentsFor } from "../runtime/proxy-agents.ts";
import { type NamedProxy, proxyFor } from "../runtime/proxy-environment.ts";
import { ProxyTrouble } from "../runtime/proxy-trouble.ts";

type Handle = NodeHttpHandler["handle"];

/**
 * Sends each request through the proxy that the environment names for its host, or directly. Throws
 * `ProxyTrouble` for requests that ended at the proxy and never reached the store.
 */
export class ProxiedHandler extends NodeHttpHandler {
  readonly #options: NodeHttpHandlerOptions;
  /** Keyed by the proxy's URL. */
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
    // S3 never answers 407.
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

/** The SDK gives this error no code. */
function isConnectTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.includes("did not establish a connection");
}
