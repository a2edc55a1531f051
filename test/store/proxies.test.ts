import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { after, before, it } from "node:test";
import { createServer as createTlsServer, type Server } from "node:tls";
import { namesProxy } from "../../src/runtime/proxy-environment.ts";
import { tlsFile } from "../node/fake-lnd.ts";
import { freePort } from "../peers/free-port.ts";
import { HostileS3 } from "../peers/hostile-s3.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type ProxyServer, startHttpProxy, startSocksProxy } from "../peers/proxies.ts";
import { runCli } from "../support/cli.ts";
import { withEnv } from "../support/env.ts";
import { openStoreAt, secretPattern, withSecrets } from "./open-store-at.ts";

const user = { name: "me", password: "pa55word" };
const socksUser = { name: "me", password: "pa55@word" };
const credentials = "me:pa55word";
const socksCredentials = "me:pa55%40word";
const passwords = new RegExp(`pa55|wrong|${btoa(credentials)}`);
const noProxies = { https_proxy: "", http_proxy: "", all_proxy: "", no_proxy: "" };
const unset = {
  ...noProxies,
  ...{ HTTPS_PROXY: undefined, HTTP_PROXY: undefined, ALL_PROXY: undefined, NO_PROXY: undefined },
};

peerSuite("a store behind a proxy", ["proxies"], () => {
  let s3: HostileS3;
  let tls: Server;
  let tlsPort: number;
  let socks: ProxyServer;
  let http: ProxyServer;
  before(async () => {
    s3 = await HostileS3.start();
    const [cert, key] = ["fake-lnd.cert.pem", "fake-lnd.key.pem"].map((name) =>
      readFileSync(tlsFile(name)),
    );
    tls = createTlsServer({ cert, key }, (socket) => {
      const plain = connect(s3.port, "127.0.0.1");
      for (const end of [socket, plain]) end.on("error", () => undefined);
      socket.pipe(plain).pipe(socket);
    });
    await new Promise<void>((resolve) => tls.listen(0, "localhost", resolve));
    tlsPort = (tls.address() as AddressInfo).port;
    socks = await startSocksProxy(socksUser);
    http = await startHttpProxy(user, ["refused.example"]);
  });
  after(async () => {
    tls.close();
    await s3[Symbol.asyncDispose]();
    await socks[Symbol.asyncDispose]();
    await http[Symbol.asyncDispose]();
  });

  const proxies = {
    http: () => `http://${credentials}@127.0.0.1:${http.port}`,
    socks5: () => `socks5://${socksCredentials}@127.0.0.1:${socks.port}`,
    socks5h: () => `socks5h://${socksCredentials}@127.0.0.1:${socks.port}`,
  };

  for (const kind of ["http", "socks5h"] as const) {
    it(`is written and read through a real ${kind} proxy, with a password`, async () => {
      const env = { ...unset, all_proxy: proxies[kind]() };
      const text = new TextEncoder().encode(kind);
      await withEnv(env, () =>
        withSecrets(async () => {
          const store = await openStoreAt(`http://localhost:${s3.port}`);
          // Twice, so that a connection is used again.
          for (const name of ["a", "b"]) {
            await store.put(`${kind}/${name}`, text, { condition: { kind: "absent" } });
            const read = await store.get(`${kind}/${name}`);
            assert.deepEqual(read?.bytes, text);
          }
          await store.close();
        }),
      );
      const log = await (kind === "http" ? http : socks).log();
      assert.match(log, new RegExp(`localhost:${s3.port}`));
    });
  }

  for (const [kind, host] of [
    ["http", "localhost"],
    ["socks5h", "localhost"],
    ["socks5", "127.0.0.1|::1"],
  ] as const) {
    it(`is reached over TLS through a real ${kind} proxy, and no output names the password`, async () => {
      const { code, stdout, stderr } = await runCli(
        ["list", "--to", `s3://bucket?endpoint=https://localhost:${tlsPort}`, "--node", "alice"],
        {
          env: {
            AWS_ACCESS_KEY_ID: "x",
            AWS_SECRET_ACCESS_KEY: "y",
            AWS_REGION: "us-east-1",
            HTTPS_PROXY: proxies[kind](),
            NODE_EXTRA_CA_CERTS: tlsFile("fake-lnd.cert.pem"),
            SCB_MIRROR_LOG_LEVEL: "debug",
            DEBUG: "*",
          },
        },
      );
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "alice: no versions yet\n");
      assert.doesNotMatch(`${stdout}${stderr}`, passwords);
      const log = await (kind === "http" ? http : socks).log();
      assert.match(log, new RegExp(`(?:${host}):${tlsPort}`));
    });
  }

  it("is reached without the proxy if NO_PROXY names it", async () => {
    const env = { ...unset, ALL_PROXY: "http://127.0.0.1:1", NO_PROXY: "localhost" };
    await withEnv(env, () =>
      withSecrets(async () => {
        const store = await openStoreAt(`http://localhost:${s3.port}`);
        assert.equal(await store.get("not/there"), null);
        await store.close();
      }),
    );
  });

  const failures: readonly {
    readonly name: string;
    readonly proxy: () => string | Promise<string>;
    readonly host?: string;
    readonly scheme?: "https";
    readonly code: string;
    readonly message: RegExp;
  }[] = [
    {
      name: "a proxy that isn't there",
      proxy: async () => `http://${credentials}@127.0.0.1:${await freePort()}`,
      code: "store-busy",
      message: /the proxy 127\.0\.0\.1:\d+ \(all_proxy\): connection refused: check that it runs/,
    },
    {
      name: "a SOCKS proxy that isn't there",
      proxy: async () => `socks5h://${socksCredentials}@127.0.0.1:${await freePort()}`,
      code: "store-busy",
      message: /the proxy 127\.0\.0\.1:\d+ \(all_proxy\): /,
    },
    {
      name: "a wrong password",
      scheme: "https",
      proxy: () => `http://me:wrong@127.0.0.1:${http.port}`,
      code: "store-denied",
      message:
        /\(all_proxy\): it wants a user name and a password, or rejects those given: correct them/,
    },
    {
      name: "a wrong password of a SOCKS proxy",
      proxy: () => `socks5h://me:wrong@127.0.0.1:${socks.port}`,
      code: "store-denied",
      message:
        /\(all_proxy\): it wants a user name and a password, or rejects those given: correct them/,
    },
    {
      name: "no password",
      proxy: () => `socks5h://127.0.0.1:${socks.port}`,
      code: "store-denied",
      message: /it wants a user name and a password/,
    },
    {
      name: "a host that the SOCKS proxy can't reach",
      proxy: proxies.socks5h,
      host: "nowhere.invalid",
      code: "store-busy",
      message: /: check the endpoint, and what this proxy can reach/,
    },
    {
      name: "something that isn't a SOCKS proxy",
      proxy: () => `socks5h://127.0.0.1:${http.port}`,
      code: "store-busy",
      message: /the proxy 127\.0\.0\.1:\d+ \(all_proxy\): /,
    },
  ];
  for (const { name, proxy, host = "localhost", scheme = "http", code, message } of failures) {
    it(`names the proxy, and nothing of its password: ${name}`, async () => {
      await withEnv({ ...unset, all_proxy: await proxy() }, () =>
        withSecrets(async () => {
          const store = await openStoreAt(`${scheme}://${host}:${s3.port}`);
          await assert.rejects(store.get("a/b"), (error: Error & { code: string }) => {
            assert.match(error.message, message);
            assert.equal(error.code, code);
            assert.doesNotMatch(error.message, secretPattern);
            assert.doesNotMatch(error.message, passwords);
            return true;
          });
          await store.close();
        }),
      );
    });
  }

  it("isn't reached over TLS if the proxy's rules forbid it: that is named", async () => {
    await withEnv({ ...unset, https_proxy: proxies.http() }, () =>
      withSecrets(async () => {
        const store = await openStoreAt("https://refused.example");
        await assert.rejects(store.get("a/b"), {
          code: "store-denied",
          message: /it does not allow this connection \(status 403\): allow it there, or name/,
        });
        await store.close();
      }),
    );
  });

  it("ends at once for a proxy that can't be one", async () => {
    await withEnv({ ...unset, HTTPS_PROXY: `gopher://${credentials}@x` }, async () => {
      assert.throws(() => namesProxy(process.env), { code: "usage" });
      await assert.rejects(openStoreAt("https://s3.example"), {
        code: "usage",
        message: /^HTTPS_PROXY must be a proxy's address(?!.*55)/,
      });
    });
  });
});
