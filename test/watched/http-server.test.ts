import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { hasCode } from "../../src/runtime/error.ts";
import { type HttpServer, plain, startHttpServer } from "../../src/watched/http-server.ts";

const allowedHosts = ["mirror.example"];
const loopback = { host: "127.0.0.1", port: 0 };

describe("the HTTP server", () => {
  let server: HttpServer;
  before(async () => {
    server = await startHttpServer({
      address: loopback,
      allowedHosts,
      answer: async (path) => {
        if (path === "/broken") throw new Error("a secret that isn't told");
        return path === "/" ? plain(200, "here") : null;
      },
    });
  });
  after(() => server.close());

  /** What comes back on a connection for these bytes, until it is closed. */
  async function raw(text: string): Promise<string> {
    const socket = connect(server.address.port, server.address.host);
    socket.end(text);
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  function ask(headers: Readonly<Record<string, string>> = {}, line = "GET / HTTP/1.1") {
    const all = { Host: "127.0.0.1", ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    return raw(`${[line, ...lines].join("\r\n")}\r\n\r\n`);
  }

  const statusOf = async (answer: Promise<string>): Promise<number> =>
    Number((await answer).split(" ")[1]);

  const requests: readonly (readonly [string, number, () => Promise<string>])[] = [
    ["an address", 200, () => ask()],
    ["an IPv6 address", 200, () => ask({ Host: "[::1]:9847" })],
    ["localhost, with a port", 200, () => ask({ Host: "LOCALHOST:9847" })],
    ["a name that was allowed", 200, () => ask({ Host: "Mirror.Example:9847" })],
    ["a name that is somebody else's (DNS rebinding)", 421, () => ask({ Host: "evil.example" })],
    ["a name that only ends like an allowed one", 421, () => ask({ Host: "xmirror.example" })],
    ["a name that looks like an address", 421, () => ask({ Host: "127.0.0.1.evil.example" })],
    ["a Host that is none", 400, () => ask({ Host: "a b" })],
    ["no Host", 400, () => raw("GET / HTTP/1.1\r\n\r\n")],
    ["no Host, in HTTP/1.0", 400, () => raw("GET / HTTP/1.0\r\n\r\n")],
    ["another site's page", 403, () => ask({ "Sec-Fetch-Site": "cross-site" })],
    ["a sister site's page", 403, () => ask({ "Sec-Fetch-Site": "same-site" })],
    ["its own page", 200, () => ask({ "Sec-Fetch-Site": "same-origin" })],
    ["somebody who typed the address", 200, () => ask({ "Sec-Fetch-Site": "none" })],
    ["another origin", 403, () => ask({ Origin: "https://evil.example" })],
    ["no origin at all", 403, () => ask({ Origin: "null" })],
    ["its own origin", 200, () => ask({ Origin: "http://127.0.0.1" })],
    ["POST", 405, () => ask({}, "POST / HTTP/1.1")],
    ["DELETE", 405, () => ask({}, "DELETE / HTTP/1.1")],
    ["OPTIONS (a preflight)", 405, () => ask({}, "OPTIONS / HTTP/1.1")],
    ["a body", 400, () => ask({ "Content-Length": "5" })],
    ["a path that isn't there", 404, () => ask({}, "GET /../etc/passwd HTTP/1.1")],
    ["a property of every object", 404, () => ask({}, "GET /__proto__ HTTP/1.1")],
    ["headers without end", 431, () => ask({ Cookie: "a".repeat(9000) })],
    ["no HTTP", 400, () => raw("\u0016\u0003\u0001\u0000\r\n\r\n")],
    ["a defect", 500, () => ask({}, "GET /broken HTTP/1.1")],
  ];
  for (const [name, status, request] of requests) {
    it(`answers ${status} to ${name}`, async (t) => {
      t.mock.method(process, "emitWarning", () => undefined);
      assert.equal(await statusOf(request()), status);
    });
  }

  it("doesn't repeat a defect's words", async (t) => {
    t.mock.method(process, "emitWarning", () => undefined);
    assert.doesNotMatch(await ask({}, "GET /broken HTTP/1.1"), /a secret/);
  });

  it("answers HEAD without a body, and with the length that GET has", async () => {
    const head = await ask({}, "HEAD / HTTP/1.1");
    assert.match(head, /^HTTP\/1.1 200 /);
    assert.match(head, /content-length: 5\r\n/);
    assert.ok(head.endsWith("\r\n\r\n"));
  });

  it("keeps what it says from caches, frames and scripts", async () => {
    const answer = await ask();
    assert.match(answer, /cache-control: no-store/);
    assert.match(answer, /content-security-policy: default-src 'none'; frame-ancestors 'none'/);
    assert.match(answer, /x-frame-options: DENY/);
    assert.match(answer, /x-content-type-options: nosniff/);
  });

  it("answers while more slow clients are connected than it takes", async () => {
    const slow = Array.from({ length: 300 }, () => {
      const socket = connect(server.address.port, server.address.host);
      socket.on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nX-Slow: ");
      return socket;
    });
    await Promise.all(
      slow.map((socket) => Promise.race([once(socket, "connect"), once(socket, "close")])),
    );
    try {
      let status = 0;
      for (let attempt = 0; attempt < 50 && status !== 200; attempt += 1) {
        status = await statusOf(ask()).catch(() => 0);
      }
      assert.equal(status, 200);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  it("cuts off a client that never ends its headers", { timeout: 20_000 }, async () => {
    const socket = connect(server.address.port, server.address.host);
    socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /^HTTP\/1.1 408 /);
  });

  it("answers a thousand scrapers", async () => {
    const { port } = server.address;
    const scrape = (): Promise<number | undefined> =>
      new Promise((resolve) => {
        get({ host: "127.0.0.1", port, agent: false }, (response) => {
          response.resume().on("end", () => resolve(response.statusCode));
        }).on("error", () => resolve(undefined));
      });
    const waves = Array.from({ length: 10 });
    const answers: (number | undefined)[] = [];
    for (const _ of waves) {
      answers.push(...(await Promise.all(Array.from({ length: 100 }, scrape))));
    }
    assert.ok(answers.filter((status) => status === 200).length > 900);
  });
});

describe("where the HTTP server listens", () => {
  const answer = async () => null;
  it("isn't where another one does", async () => {
    const first = await startHttpServer({ address: loopback, allowedHosts, answer });
    try {
      await assert.rejects(
        startHttpServer({ address: first.address, allowedHosts, answer }),
        (error) => hasCode(error, "io") && /another program uses this port/.test(error.message),
      );
    } finally {
      await first.close();
      await first.close();
    }
  });

  it("isn't at an address of another machine", async () => {
    const address = { host: "192.0.2.1", port: 9847 };
    await assert.rejects(
      startHttpServer({ address, allowedHosts, answer }),
      (error) => hasCode(error, "usage") && /have this address/.test(error.message),
    );
  });
});
