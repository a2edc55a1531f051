import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Passes bytes on, unread: a server on 127.0.0.1 as it is seen from a container. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  /** Listens on a free port of `host`, an address of this machine; `target` is HOST:PORT. */
  static async start(host: string, target: string): Promise<Relay> {
    const { hostname, port } = new URL(`tcp://${target}`);
    const open = new Set<Socket>();
    const server = createServer((inner) => {
      const outer = connect(Number(port), hostname);
      for (const [one, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        open.add(one);
        // The two ends notice the error themselves.
        one.on("error", () => other.destroy());
        one.on("close", () => open.delete(one));
        one.pipe(other);
      }
    });
    server.listen(0, host);
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no TCP address");
    return new Relay(address.port, async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}
