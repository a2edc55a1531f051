import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

// Below the range from which Linux takes the ports of outgoing connections: a port taken from that
// range could be lost to a stranger's connection while the server that owns it is restarted.
const firstPort = 20_000;
const lastPort = 31_999;

/**
 * A TCP port on 127.0.0.1 that nobody uses. It is kept for this process by the UDP socket of the
 * same number, which is held until the process ends, so that no other test process picks it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1));
    if ((await reserve(port)) && (await canListen(port))) return port;
  }
  throw new Error(`no free port between ${firstPort} and ${lastPort}`);
}

async function reserve(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind({ port, address: "127.0.0.1", exclusive: true });
    await once(socket, "listening");
  } catch {
    socket.close();
    return false;
  }
  socket.unref();
  return true;
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: "127.0.0.1", exclusive: true });
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
