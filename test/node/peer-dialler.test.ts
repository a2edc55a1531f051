import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { type DialResult, PeerDialler } from "../../src/node/peer-dialler.ts";
import { parseHostAndPort } from "../../src/runtime/host-and-port.ts";
import { freePort } from "../peers/free-port.ts";

const onion = `${"a".repeat(56)}.onion:9735`;

describe("PeerDialler", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  /** A server on 127.0.0.1; gives its port. */
  const serve = async (onSocket: (socket: Socket) => void = () => undefined): Promise<number> => {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      onSocket(socket);
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  /** A SOCKS5 proxy that says `reply` to a request, and keeps what it was asked. */
  const serveSocks = async (reply: number, asked: Buffer[] = []): Promise<number> =>
    serve((socket) => {
      socket.once("data", () => {
        socket.once("data", (request: Buffer) => {
          asked.push(request);
          // In two pieces: nobody promises that they come together.
          socket.write(Buffer.of(5));
          setTimeout(() => socket.write(Buffer.of(reply, 0, 1, 0, 0, 0, 0, 0, 0)), 5);
        });
        socket.write(Buffer.of(5, 0));
      });
    });
  const dial = (
    address: string,
    torPort: number | null = null,
    signal?: AbortSignal,
  ): Promise<DialResult> => {
    const torProxy = torPort === null ? null : { host: "127.0.0.1", port: torPort };
    return new PeerDialler({ timeoutMs: 200, torProxy }).dial(address, signal);
  };

  it("knows an address that takes connections, and sends nothing to it", async () => {
    let received = 0;
    const port = await serve((socket) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
    });
    assert.deepEqual(await dial(`127.0.0.1:${port}`), { outcome: "answers", reason: null });
    assert.equal(received, 0);
  });

  it("knows a port where nothing listens", async () => {
    const result = await dial(`127.0.0.1:${await freePort()}`);
    assert.deepEqual(result, { outcome: "no-answer", reason: "connection refused" });
  });

  it("asks the proxy for a Tor address, by its name", async () => {
    const asked: Buffer[] = [];
    const result = await dial(onion, await serveSocks(0, asked));
    assert.deepEqual(result, { outcome: "answers", reason: null });
    const name = Buffer.from(onion.split(":")[0] ?? "");
    const expected = [Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(9735 >> 8, 9735 & 255)];
    assert.deepEqual(asked, [Buffer.concat(expected)]);
  });

  it("takes a proxy's word that the host does not answer", async () => {
    const result = await dial(onion, await serveSocks(4));
    assert.deepEqual(result, { outcome: "no-answer", reason: "host unreachable" });
  });

  it("takes a proxy's silence for no answer, after its time", async () => {
    const port = await serve((socket) => socket.once("data", () => socket.write(Buffer.of(5, 0))));
    const result = await dial(onion, port);
    assert.deepEqual(result, { outcome: "no-answer", reason: "no answer in time" });
  });

  const untried: readonly (readonly [string, () => Promise<DialResult>, RegExp])[] = [
    ["a Tor address without a proxy", () => dial(onion), /give --tor-proxy/],
    ["a Tor v2 address", () => dial("abcdefghij234567.onion:9735", 1), /no longer work/],
    ["a proxy that is not there", async () => dial(onion, await freePort()), /Tor: the proxy/],
    [
      "a proxy that is none",
      async () => dial(onion, await serve((socket) => socket.write("HTTP/1.1 400 Bad Request"))),
      /isn't such a proxy/,
    ],
    [
      "a proxy that hangs up",
      async () => dial(onion, await serve((socket) => socket.end())),
      /Tor: the proxy/,
    ],
    ["opaque bytes", () => dial("opaque:ff00"), /isn.t a host and port/],
    ["a host name with control bytes", () => dial("evil\u001b[2J:9735"), /isn.t a host and port/],
    ["port 0", () => dial("127.0.0.1:0"), /isn.t a host and port/],
  ];
  for (const [name, run, reason] of untried) {
    it(`does not try, and says why: ${name}`, async () => {
      const result = await run();
      assert.equal(result.outcome, "not-tried");
      assert.match(result.reason ?? "", reason);
    });
  }

  it("stops with a signal", async () => {
    const port = await serve((socket) => socket.once("data", () => socket.write(Buffer.of(5, 0))));
    const stop = new AbortController();
    const dialling = dial(onion, port, stop.signal);
    setTimeout(() => stop.abort(), 10);
    await assert.rejects(dialling, { code: "aborted" });
    await assert.rejects(dial("127.0.0.1:9", null, AbortSignal.abort()), { code: "aborted" });
  });
});

describe("parseHostAndPort", () => {
  const right = [
    ["1.2.3.4:9735", { host: "1.2.3.4", port: 9735 }],
    ["[::1]:9735", { host: "::1", port: 9735 }],
    ["host.example:1", { host: "host.example", port: 1 }],
  ] as const;
  for (const [text, expected] of right) {
    it(`reads ${text}`, () => assert.deepEqual(parseHostAndPort(text), expected));
  }
  const wrong = [
    "",
    ":1",
    "host",
    "host:",
    "host:0",
    "host:65536",
    "::1:9735",
    "[host]:1",
    "a b:1",
  ];
  for (const text of wrong) {
    it(`does not read ${JSON.stringify(text)}`, () => assert.equal(parseHostAndPort(text), null));
  }
});
