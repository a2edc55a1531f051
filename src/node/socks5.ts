import type { Socket } from "node:net";

/** What a proxy says where it does not connect. Source: RFC 1928, section 6. */
const replies: readonly string[] = [
  "",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "took too long",
  "command not supported",
  "kind of address not supported",
];

/** The proxy answered, and has not reached the host. */
export class ProxyRefusal extends Error {
  override readonly name = "ProxyRefusal";
}

/**
 * Has the SOCKS5 proxy at the other end of `socket` connect to a host by its name, without a password.
 * Throws `ProxyRefusal` where the proxy says that it could not, another error where what answers is no
 * such proxy. Source: RFC 1928.
 */
export async function socksConnect(socket: Socket, host: string, port: number): Promise<void> {
  const name = Buffer.from(host, "ascii");
  const read = reader(socket);
  // Version 5, one method offered: no authentication.
  socket.write(Buffer.of(5, 1, 0));
  const [version, method] = await read(2);
  if (version !== 5 || method !== 0) throw new Error("it is no SOCKS5 proxy without a password");
  // Version 5, CONNECT, reserved, a domain name.
  socket.write(
    Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(port >> 8, port & 0xff)]),
  );
  const [, reply = 1] = await read(2);
  if (reply !== 0) throw new ProxyRefusal(replies[reply] ?? `error ${reply}`);
}

/** Reads so many bytes at a time, however they come. */
function reader(socket: Socket): (sizeBytes: number) => Promise<Buffer> {
  const chunks = socket[Symbol.asyncIterator]();
  let held = Buffer.alloc(0);
  return async (sizeBytes) => {
    while (held.length < sizeBytes) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error("the proxy closed the connection");
      held = Buffer.concat([held, value]);
    }
    const taken = held.subarray(0, sizeBytes);
    held = held.subarray(sizeBytes);
    return taken;
  };
}
