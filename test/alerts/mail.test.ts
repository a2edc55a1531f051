import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { SMTPServerOptions } from "smtp-server";
import { letterOf } from "../../src/alerts/letter.ts";
import { openReceiver } from "../../src/alerts/receivers/open-receiver.ts";
import { parseReceiverUrl } from "../../src/alerts/receivers/receiver-url.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { found, troubled } from "./findings.ts";
import { startMailServer } from "./mail-server.ts";

const pem = (name: string): Buffer => readFileSync(join(import.meta.dirname, "../node/tls", name));
const tls = { key: pem("fake-lnd.key.pem"), cert: pem("fake-lnd.cert.pem") };
const addresses = "?from=mirror@example.org&to=ops@example.org,boss@example.org";
const message = troubled("alert", found("refused", undefined, "a “newer” backup was held back"));
const letter = letterOf(message, { id: "01M8MYTJDENQNFHJ71F9DK4F0A", details: false, host: "pi" });

async function send(url: string, signal = AbortSignal.timeout(10_000)): Promise<string> {
  return (await openReceiver(parseReceiverUrl(url))).send(letter, signal);
}

async function failure(url: string): Promise<string> {
  try {
    return `sent: ${await send(url)}`;
  } catch (error) {
    assert.ok(hasCode(error, "undelivered"), String(error));
    assert.doesNotMatch(error.message, /pass@word|wrong%20one|wrong one/);
    return error.message;
  }
}

async function withServer<T>(
  options: SMTPServerOptions,
  use: (server: Awaited<ReturnType<typeof startMailServer>>) => Promise<T>,
): Promise<T> {
  const server = await startMailServer(options);
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

/** An HTTP proxy that connects whoever asks to one port of this machine. */
async function startConnectProxy(port: number) {
  const asked: string[] = [];
  const server = createHttpServer();
  server.on("connect", ({ url = "" }, socket) => {
    asked.push(url);
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  return { url, asked, close };
}

describe("mail", () => {
  it("goes by STARTTLS where it is offered, and says what happened and what to do", () =>
    withServer(tls, async ({ port, mails }) => {
      const answer = await send(`smtp://ops:pass%40word@127.0.0.1:${port}${addresses}`);
      assert.match(answer, /^250 kept$/);
      await send(`smtp://ops:pass%40word@localhost:${port}${addresses}`);
      const [mail, again] = mails;
      assert.equal(mail?.secure, true);
      assert.equal(mail.user, "ops");
      assert.equal(mail.from, "mirror@example.org");
      assert.deepEqual(mail.to, ["ops@example.org", "boss@example.org"]);
      assert.match(mail.text, /^Subject: scb-mirror: alice is NOT SAFE: refused\r$/m);
      assert.match(mail.text, /^Auto-Submitted: auto-generated\r$/im);
      assert.match(mail.text, /What to do: check the node before anything else/);
      const idOf = (text = ""): string => /^Message-ID: (.*)\r$/im.exec(text)?.[1] ?? "";
      assert.equal(idOf(mail.text), `<${letter.id}@scb-mirror>`);
      assert.equal(idOf(again?.text), idOf(mail.text), "a mail that comes twice is known");
    }));

  it("goes in the clear to this machine where there is no TLS", () =>
    withServer({ hideSTARTTLS: true, allowInsecureAuth: true }, async ({ port, mails }) => {
      await send(`smtp://127.0.0.1:${port}${addresses}`);
      assert.equal(mails[0]?.secure, false);
    }));

  it("wants TLS of a server that isn't in a private network, through a proxy too", () =>
    withServer(
      { disabledCommands: ["STARTTLS"], allowInsecureAuth: true },
      async ({ port, mails }) => {
        const proxy = await startConnectProxy(port);
        process.env["ALL_PROXY"] = proxy.url;
        try {
          const url = `smtp://ops:pass%40word@mail.example.org:25${addresses}`;
          const said = await failure(url);
          assert.match(said, /offers no TLS and isn't in a private network/);
          assert.equal(mails.length, 0);
          assert.deepEqual(proxy.asked, ["mail.example.org:25"]);
        } finally {
          delete process.env["ALL_PROXY"];
          await proxy.close();
        }
      },
    ));

  it("says that there is nobody", async () => {
    const away = `smtps://127.0.0.1:1${addresses}`;
    assert.equal(await failure(away), "connection refused");
    const nameless = `smtps://no-such-host.invalid${addresses}`;
    assert.match(await failure(nameless), /no such host|can't be resolved/);
  });

  it("goes over TLS from the start to a server whose certificate is trusted", () =>
    withServer({ ...tls, secure: true }, async ({ port, mails }) => {
      const url = `smtps://ops:pass%40word@localhost:${port}${addresses}`;
      assert.match(await failure(url), /its certificate isn't trusted/);
      assert.equal(mails.length, 0);
      const before = getCACertificates("default");
      setDefaultCACertificates([...before, tls.cert.toString()]);
      try {
        assert.match(await send(url), /^250 kept$/);
        assert.equal(mails[0]?.secure, true);
      } finally {
        setDefaultCACertificates(before);
      }
    }));

  it("says that a server speaks no TLS", () =>
    withServer({ hideSTARTTLS: true }, async ({ port, mails }) => {
      const said = await failure(`smtps://ops:pass%40word@127.0.0.1:${port}${addresses}`);
      assert.match(said, /doesn't speak TLS there: try smtp:\/\//);
      assert.equal(mails.length, 0);
    }));

  it("to a server that wants TLS and isn't given it says so", () => {
    const wantsTls: SMTPServerOptions = {
      hideSTARTTLS: true,
      onMailFrom: (_, __, done) =>
        done(
          Object.assign(new Error("Must issue a STARTTLS command first"), { responseCode: 530 }),
        ),
    };
    return withServer(wantsTls, async ({ port }) => {
      const said = await failure(`smtp://127.0.0.1:${port}${addresses}`);
      assert.match(said, /refuses the sender or the recipients \(530 Must issue a STARTTLS/);
    });
  });

  it("with a wrong password says so, and repeats none", () =>
    withServer({ ...tls, secure: false }, async ({ port }) => {
      const said = await failure(`smtp://ops:wrong%20one@127.0.0.1:${port}${addresses}`);
      assert.match(said, /^it refuses the user or the password/);
    }));

  it("that some of its recipients don't get is told", () => {
    const refusing: SMTPServerOptions = {
      onRcptTo: ({ address }, _, done) =>
        done(address.startsWith("boss") ? new Error("no such user") : null),
    };
    return withServer(refusing, async ({ port, mails }) => {
      const answer = await send(`smtp://127.0.0.1:${port}${addresses}`);
      assert.match(answer, /kept; it refuses boss@example\.org/);
      assert.deepEqual(mails[0]?.to, ["ops@example.org"]);
    });
  });

  it("to a server that hangs is let go", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    try {
      const sending = send(`smtp://127.0.0.1:${port}${addresses}`, AbortSignal.timeout(200));
      await assert.rejects(sending, { code: "aborted" });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});
