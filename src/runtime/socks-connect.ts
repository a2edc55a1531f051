import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { throwIfAborted } from "./abort.ts";
import { formatHostAndPort, type HostAndPort } from "./host-and-port.ts";
import { ProxyTrouble } from "./proxy-trouble.ts";

/** An upper bound only; the signal ends the attempt far sooner. */
const longestMs = 10 * 60_000;

/**
 * Connects to `target` through a SOCKS5 proxy without a password. The proxy resolves the name, as onion
 * addresses require. Throws `ProxyTrouble`, and "aborted" as soon as `signal` aborts.
 */
export async function socksConnect(
  proxy: HostAndPort,
  target: HostAndPort,
  signal: AbortSignal,
): Promise<Socket> {
  // Few commands need this package, and it is slow to load.
  const { SocksClient } = await import("socks");
  throwIfAborted(signal);
  const socket = connect(proxy);
  const end = (): void => void socket.destroy();
  signal.addEventListener("abort", end, { once: true });
  // The socket's users handle errors; without a listener, an error would end the process.
  socket.on("error", () => undefined);
  try {
    await once(socket, "connect", { signal });
    await SocksClient.createConnection({
      proxy: { ...proxy, type: 5 },
      destination: target,
      command: "connect",
      existing_socket: socket,
      timeout: longestMs,
    });
    return socket;
  } catch (error) {
    socket.destroy();
    throwIfAborted(signal);
    throw ProxyTrouble.from(error, formatHostAndPort(proxy));
  } finally {
    signal.removeEventListener("abort", end);
  }
}
