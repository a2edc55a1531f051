import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { letterOf } from "../../src/alerts/letter.ts";
import { HeartbeatService } from "../../src/alerts/receivers/heartbeat-service.ts";
import { openReceiver } from "../../src/alerts/receivers/open-receiver.ts";
import { parseHeartbeatUrl, parseReceiverUrl } from "../../src/alerts/receivers/receiver-url.ts";
import { hasCode } from "../../src/runtime/error.ts";
import { unprintable } from "../../src/runtime/foreign-text.ts";
import { isPrivateAddress } from "../../src/runtime/private-address.ts";
import { found, troubled } from "./findings.ts";
import { answering, type HttpReceiver, startHttpReceiver } from "./http-receiver.ts";

const letter = letterOf(troubled("alert", found("refused")), {
  id: "01M8MYTJDENQNFHJ71F9DK4F0A",
  details: false,
  host: "pi",
});

let server: HttpReceiver;
beforeEach(async () => {
  server = await startHttpReceiver();
});
afterEach(() => server.close());

async function send(url: string, signal = AbortSignal.timeout(10_000)): Promise<string> {
  return (await openReceiver(parseReceiverUrl(url))).send(letter, signal);
}

/** The message of the error that sending ends with. */
async function failure(url: string): Promise<string> {
  try {
    return `sent: ${await send(url)}`;
  } catch (error) {
    assert.ok(hasCode(error, "undelivered"), String(error));
    assert.equal(error.cause, undefined, "a foreign error may hold the URL");
    return error.message;
  }
}

describe("a webhook", () => {
  it("gets the message as JSON, and the same id each time", async () => {
    assert.equal(await send(`${server.url}/hook/s3cretpath`), "OK");
    await send(`${server.url}/hook/s3cretpath`);
    const [first, second] = server.received;
    assert.equal(first?.method, "POST");
    assert.equal(first.path, "/hook/s3cretpath");
    assert.equal(first.headers["content-type"], "application/json");
    assert.equal(first.body, second?.body);
    const { findings, text, ...facts } = JSON.parse(first.body);
    assert.deepEqual(facts, {
      schema: 1,
      id: letter.id,
      kind: "alert",
      verdict: "unsafe",
      at: "2026-11-30T01:07:00.000Z",
      by: letter.json["by"],
      title: "scb-mirror: alice is NOT SAFE: refused",
    });
    assert.match(text, /^scb-mirror: alice is NOT SAFE: refused\n\nWhat is wrong:\n- alice in s3/);
    assert.deepEqual(findings, [
      {
        node: "alice",
        store: "s3://bucket/lightning",
        code: "refused",
        level: "problem",
        message: "seen: refused",
        remedy:
          "check the node before anything else; scb-mirror accept makes the newer backup current",
        state: "new",
        since: "2026-11-30T01:00:00.000Z",
        times: 1,
      },
    ]);
  });

  it("gets user and password of its URL, which no message repeats", async () => {
    const url = server.url.replace("//", "//us%40er:pass%3Aword@");
    await send(url);
    const basic = Buffer.from("us@er:pass:word").toString("base64");
    assert.equal(server.received[0]?.headers.authorization, `Basic ${basic}`);
    server.answer = (response) => void response.writeHead(403).end("no, pass:word is wrong");
    const said = await failure(url);
    assert.match(said, /^it refuses the token or the password \(status 403: no, … is wrong\)$/);
  });

  const cases: readonly [string, number, RegExp][] = [
    ["is not there", 404, /there is nothing at this URL \(status 404\)/],
    ["fails", 500, /^status 500$/],
    ["wants less", 429, /^status 429$/],
    ["refuses the token", 401, /refuses the token/],
  ];
  for (const [name, status, expected] of cases) {
    it(`that ${name} is told as such`, async () => {
      server.answer = answering(status);
      assert.match(await failure(`${server.url}/x`), expected);
    });
  }

  it("that repeats its URL doesn't make it public", async () => {
    server.answer = (response, { path, body }) =>
      void response.writeHead(500).end(`Cannot POST ${path}\n${body.slice(0, 10)}\u001b[31m`);
    const said = await failure(`${server.url}/services/T0000/verysecrettoken?key=alsoasecret`);
    assert.match(said, /^status 500: Cannot POST/);
    assert.doesNotMatch(said, /verysecrettoken|alsoasecret/);
    assert.doesNotMatch(said, unprintable);
  });

  it("that redirects isn't followed, not even to itself", async () => {
    const other = await startHttpReceiver();
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        server.answer = answering(status, "", { location: `${other.url}/verysecrettoken` });
        const said = await failure(`${server.url}/verysecrettoken`);
        assert.match(said, /it redirects \(status 30\d\) to 127\.0\.0\.1:\d+: give the URL/);
        assert.doesNotMatch(said, /secret/);
      }
      assert.equal(other.received.length, 0);
      assert.equal(server.received.length, 5);
    } finally {
      await other.close();
    }
  });

  it("that hangs is let go", async () => {
    server.answer = () => undefined;
    const sending = send(server.url, AbortSignal.timeout(100));
    await assert.rejects(sending, { code: "aborted" });
  });

  it("that answers without end has taken it", async () => {
    server.answer = (response) => {
      response.writeHead(200);
      response.write("x".repeat(1_000));
    };
    assert.match(await send(server.url), /^x{300}$/);
  });

  it("that is away, or has no name, is told as such", async () => {
    const { url } = server;
    await server.close();
    assert.equal(await failure(url), "connection refused");
    server = await startHttpReceiver();
    assert.match(await failure("https://no-such-host.invalid/x"), /no such host|can't be resolved/);
  });

  it("that speaks no TLS, or has a certificate that nobody signed, gets nothing", async () => {
    const plain = server.url.replace("http:", "https:");
    assert.equal(await failure(`${plain}/x`), "it doesn't speak TLS there");
    const pem = (name: string): Buffer =>
      readFileSync(join(import.meta.dirname, "../node/tls", name));
    const own = await startHttpReceiver({
      key: pem("fake-lnd.key.pem"),
      cert: pem("fake-lnd.cert.pem"),
    });
    try {
      assert.match(await failure(`${own.url}/x`), /its certificate isn't trusted/);
      assert.equal(own.received.length, 0);
    } finally {
      await own.close();
    }
  });
});

describe("without TLS", () => {
  it("messages go to this machine and to private networks only", () => {
    const inside = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "::1"];
    for (const address of [...inside, "169.254.1.1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"]) {
      assert.equal(isPrivateAddress(address), true, address);
    }
    const outside = ["8.8.8.8", "172.32.0.1", "100.64.0.1", "0.0.0.0", "2001:db8::1"];
    for (const address of [...outside, "::ffff:8.8.8.8"]) {
      assert.equal(isPrivateAddress(address), false, address);
    }
  });

  it("a public address is wrong usage", () => {
    for (const url of ["http://8.8.8.8/x", "ntfy://8.8.8.8/topic"]) {
      assert.throws(() => parseReceiverUrl(url), { code: "usage" });
    }
    assert.throws(() => parseHeartbeatUrl("http://8.8.8.8/ping"), { code: "usage" });
    assert.throws(() => parseReceiverUrl("telegram://1:a@2?api=http://8.8.8.8"), { code: "usage" });
  });
});

describe("ntfy", () => {
  it("gets topic, title and priority as JSON, whatever characters are in them", async () => {
    await send(`${server.url.replace("http:", "ntfy:")}/my-topic`);
    const [request] = server.received;
    assert.equal(request?.path, "/");
    const { message, ...facts } = JSON.parse(request.body);
    assert.deepEqual(facts, {
      topic: "my-topic",
      title: "scb-mirror: alice is NOT SAFE: refused",
      priority: 4,
      tags: ["rotating_light"],
    });
    assert.match(message, /What to do: check the node/);
    assert.equal(request.headers.authorization, undefined);
  });

  it("gets a token, or a user and a password", async () => {
    await send(`${server.url.replace("http://", "ntfy://:tk_secret@")}/t`);
    await send(`${server.url.replace("http://", "ntfy://phil:mypass@")}/t`);
    const sent = server.received.map(({ headers }) => headers.authorization);
    const basic = Buffer.from("phil:mypass").toString("base64");
    assert.deepEqual(sent, ["Bearer tk_secret", `Basic ${basic}`]);
    server.answer = answering(401, '{"code":40101,"error":"unauthorized tk_secret"}');
    assert.doesNotMatch(
      await failure(`${server.url.replace("http://", "ntfy://:tk_secret@")}/t`),
      /tk_/,
    );
  });

  it("keeps its port and its kind of connection", () => {
    const at = (url: string) => {
      const parsed = parseReceiverUrl(url);
      return parsed.kind === "ntfy" ? parsed.url.href : "";
    };
    assert.equal(at("ntfys://ntfy.sh/topic"), "https://ntfy.sh/");
    assert.equal(at("ntfys://ntfy.example:8443/topic"), "https://ntfy.example:8443/");
    assert.equal(at("ntfy://127.0.0.1:80/topic"), "http://127.0.0.1/");
  });
});

describe("Telegram", () => {
  const token = "123456:ABC-DEF_ghi";
  const url = () => `telegram://${token}@-100200300?api=${encodeURIComponent(server.url)}`;

  it("gets plain text for one chat", async () => {
    server.answer = answering(200, '{"ok":true,"result":{"message_id":1}}');
    assert.equal(await send(url()), "accepted");
    const [request] = server.received;
    assert.equal(request?.path, `/bot${token}/sendMessage`);
    const { chat_id, text, parse_mode } = JSON.parse(request.body);
    assert.equal(chat_id, "-100200300");
    assert.equal(parse_mode, undefined);
    assert.match(text, /^scb-mirror: alice is NOT SAFE: refused\n\nWhat is wrong:/);
  });

  it("a wrong token is told, and never repeated", async () => {
    server.answer = answering(401, `{"ok":false,"description":"Unauthorized: bot${token}"}`);
    const said = await failure(url());
    assert.match(said, /refuses the token .*Unauthorized/);
    assert.doesNotMatch(said, /ABC/);
  });

  it("a login page that answers with 200 has delivered nothing", async () => {
    server.answer = answering(200, "<html>please log in</html>");
    assert.match(await failure(url()), /isn't Telegram's Bot API/);
  });

  it("takes a chat's number, or its name", () => {
    const chatOf = (text: string) => {
      const parsed = parseReceiverUrl(text);
      return parsed.kind === "telegram" ? parsed.chat : "";
    };
    assert.equal(chatOf(`telegram://${token}@42`), "42");
    assert.equal(chatOf(`telegram://${token}@my_channel`), "@my_channel");
    assert.equal(chatOf(`telegram://${token}@@my_channel`), "@my_channel");
  });
});

describe("a URL of --notify that can't be read", () => {
  const wrong = [
    "",
    "hooks.example.com/supersecret",
    "ftp://supersecret@example.com/",
    "https://",
    "telegram://supersecret",
    "telegram://supersecret@chat",
    "smtps://user:supersecret@example.com",
    "smtps://user:supersecret@example.com?from=a@b.c",
    "smtps://user:supersecret@example.com?from=a@b.c&to=x%0d%0aBcc:y@z.d",
    "smtps://us%ZZer:supersecret@example.com?from=a@b.c&to=d@e.f",
    "ntfys://ntfy.sh/",
    "ntfys://ntfy.sh/super/secret",
  ];
  for (const url of wrong) {
    it(`${JSON.stringify(url)} is wrong usage, and isn't repeated`, () => {
      assert.throws(
        () => parseReceiverUrl(url),
        (error) => hasCode(error, "usage") && !/supersecret/.test(error.message),
      );
    });
  }
});

describe("a heartbeat's service", () => {
  const at = (path: string) => new HeartbeatService(new URL(`${server.url}${path}`));
  const soon = () => AbortSignal.timeout(10_000);

  it("is asked by GET, told of a failure by POST /fail, and of a test by POST /log", async () => {
    const service = at("/ping/uuid?run=1");
    await service.ping(soon());
    await service.send(letter, soon());
    await service.log("a test", soon());
    assert.deepEqual(
      server.received.map(({ method, path }) => `${method} ${path}`),
      ["GET /ping/uuid?run=1", "POST /ping/uuid/fail?run=1", "POST /ping/uuid/log?run=1"],
    );
    assert.match(server.received[1]?.body ?? "", /NOT SAFE: refused/);
  });

  it("is told of what begins alone: a ping says that it is over", async () => {
    for (const kind of ["over", "reminder"] as const) {
      await at("/x").send({ ...letter, kind }, soon());
    }
    assert.deepEqual(server.received, []);
  });

  it("that doesn't know the check is no success", async () => {
    server.answer = answering(200, "OK (not found)");
    await assert.rejects(at("/ping/x").ping(soon()), { code: "undelivered" });
    server.answer = answering(404, "not found");
    await assert.rejects(at("/ping/x").log("a test", soon()), { code: "undelivered" });
  });

  it("that knows neither /fail nor /log gets its pings alone", async () => {
    server.answer = (response, { path }) =>
      void response.writeHead(path === "/api/push/x" ? 200 : 404).end();
    const service = at("/api/push/x");
    assert.match(await service.log("a test", soon()), /nothing was sent/);
    assert.match(await service.send(letter, soon()), /only the pings stop/);
    await service.ping(soon());
  });
});
