import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { resolveLndConfig } from "../../src/node/lnd/lnd-config.ts";
import { freePort } from "../peers/free-port.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type ProxyServer, startSocksProxy } from "../peers/proxies.ts";
import { runCli } from "../support/cli.ts";
import { fakePubkey, point, tlsFile } from "./fake-lnd.ts";
import { type FakeSetup, fakeSetup } from "./fake-node.ts";

peerSuite("lnd behind a SOCKS proxy", ["proxies"], () => {
  let proxy: ProxyServer;
  let setup: FakeSetup;
  before(async () => {
    proxy = await startSocksProxy();
    setup = await fakeSetup();
  });
  after(async () => {
    await setup[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });
  const socksProxy = () => ({ host: "127.0.0.1", port: proxy.port });

  it("answers, and the proxy looks its name up", async () => {
    setup.lnd.channelPoints = [point(1)];
    const node = setup.node({ socksProxy: socksProxy() });
    assert.equal((await node.identify()).pubkey, fakePubkey);
    assert.deepEqual((await node.exportBackup()).channelPoints, [point(1)]);
    assert.match(await proxy.log(), new RegExp(`localhost:${setup.lnd.port}`));
  });

  it("is asked again, over a new connection, after the first was lost", async () => {
    const node = setup.node({ socksProxy: socksProxy() });
    await node.identify();
    setup.lnd.reset();
    await assert.rejects(node.identify(), { code: "node-unavailable" });
    assert.equal((await node.identify()).pubkey, fakePubkey);
  });

  it("is named if the proxy can't reach it", async () => {
    const node = setup.node({ address: "nowhere.invalid:10009", socksProxy: socksProxy() });
    await assert.rejects(node.identify(), {
      code: "node-unavailable",
      message: /^lnd at nowhere\.invalid:10009: the proxy 127\.0\.0\.1:\d+: .*: is lnd running/,
    });
  });

  it("mirrors from the command line, with --socksproxy", async () => {
    const { code, stderr } = await runCli([
      ...["run", "--once", "--to", pathToFileURL(join(setup.folder, "store")).href],
      ...["--rpcserver", setup.lnd.address, "--network", "regtest"],
      ...["--tlscertpath", tlsFile("fake-lnd.cert.pem"), "--macaroonpath", setup.macaroonPath],
      ...["--socksproxy", `127.0.0.1:${proxy.port}`],
    ]);
    assert.equal(code, 0, stderr);
  });
});

describe("lnd behind a proxy that fails", () => {
  it("says so: nothing is there", async () => {
    await using setup = await fakeSetup();
    const node = setup.node({ socksProxy: { host: "127.0.0.1", port: await freePort() } });
    await assert.rejects(node.identify(), {
      code: "node-unavailable",
      message: /the proxy 127\.0\.0\.1:\d+: connection refused: correct --socksproxy/,
    });
  });

  it("ends in time: it says nothing", async () => {
    await using setup = await fakeSetup();
    const silent = createServer((socket) => socket.on("error", () => undefined).resume());
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const timing = { callTimeoutMs: 200 };
    const node = setup.node({ socksProxy: { host: "127.0.0.1", port }, timing });
    await assert.rejects(node.identify(), {
      code: "node-unavailable",
      message: /no answer to GetInfo within 0\.2 s/,
    });
    silent.close();
    await once(silent, "close");
  });
});

describe("lnd with a certificate of an authority that the system trusts", () => {
  it("is trusted, for --tlscertpath system", async () => {
    await using setup = await fakeSetup();
    const args = [
      ...["run", "--once", "--to", pathToFileURL(join(setup.folder, "store")).href],
      ...["--rpcserver", setup.lnd.address, "--network", "regtest"],
      ...["--tlscertpath", "system", "--macaroonpath", setup.macaroonPath],
    ];
    const trusted = await runCli(args, { env: { SSL_CERT_FILE: tlsFile("fake-lnd.cert.pem") } });
    assert.equal(trusted.code, 0, trusted.stderr);
    const { code, stderr } = await runCli(args);
    assert.equal(code, 1);
    assert.match(stderr, /no authority that this system trusts has signed its certificate/);
  });

  it("is another than a file of that name", async () => {
    await using setup = await fakeSetup();
    const options = { macaroonpath: setup.macaroonPath };
    const system = await resolveLndConfig({ ...options, tlscertpath: "system" });
    assert.equal(system.credentials.certificateFrom, null);
    await assert.rejects(resolveLndConfig({ ...options, tlscertpath: "./system" }), {
      code: "usage",
      message: /no tls\.cert at .*\/system/,
    });
  });
});
