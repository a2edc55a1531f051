import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import { parseLndAddress } from "../../src/node/lnd/lnd-address.ts";
import {
  defaultLndDir,
  type HomeFolders,
  type LndOptions,
  resolveLndConfig,
} from "../../src/node/lnd/lnd-config.ts";
import { type ErrorCode, hasCode } from "../../src/runtime/error.ts";
import { fakeMacaroon, tlsFile } from "./fake-lnd.ts";

const lnddirs: readonly (readonly [HomeFolders, string])[] = [
  [{ platform: "linux", home: "/home/ann" }, "/home/ann/.lnd"],
  [{ platform: "darwin", home: "/Users/ann" }, "/Users/ann/Library/Application Support/Lnd"],
  [{ platform: "win32", home: "/c/ann", localAppData: "/c/ann/local" }, "/c/ann/local/Lnd"],
];

describe("the options of lncli", () => {
  let home = "";
  let folders: HomeFolders;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "scb-home-"));
    folders = { platform: "linux", home };
    for (const network of ["mainnet", "regtest"]) {
      const chainDir = join(home, ".lnd", "data", "chain", "bitcoin", network);
      await mkdir(chainDir, { recursive: true });
      await writeFile(join(chainDir, "admin.macaroon"), fakeMacaroon);
    }
    await writeFile(join(home, ".lnd", "tls.cert"), await readFile(tlsFile("fake-lnd.cert.pem")));
    await mkdir(join(home, "bare"));
    await mkdir(join(home, "fresh"));
    await writeFile(join(home, "fresh", "tls.cert"), await readFile(tlsFile("fake-lnd.cert.pem")));
  });
  after(() => rm(home, { recursive: true, force: true }));

  for (const [where, expected] of lnddirs) {
    it(`default to lnd's folder on ${where.platform}`, () => {
      assert.equal(defaultLndDir(where), expected);
    });
  }

  it("have lncli's defaults", async () => {
    const config = await resolveLndConfig({}, folders);
    assert.equal(config.address, "localhost:10009");
    assert.equal(config.network, "mainnet");
    assert.equal(config.credentials.certificateFrom, join(home, ".lnd/tls.cert"));
    assert.equal(
      config.credentials.macaroonFrom,
      join(home, ".lnd/data/chain/bitcoin/mainnet/admin.macaroon"),
    );
    assert.equal(await config.credentials.readMacaroon(), fakeMacaroon.toString("hex"));
    assert.match((await config.credentials.readCertificate()) ?? "", /BEGIN CERTIFICATE/);
  });

  it("expand ~ and follow lnddir and network", async () => {
    const config = await resolveLndConfig({ lnddir: "~/.lnd", network: "regtest" }, folders);
    assert.equal(config.network, "regtest");
    assert.match(config.credentials.macaroonFrom, /regtest/);
  });

  it("name no network where only a macaroon was chosen", async () => {
    const macaroonpath = "~/.lnd/data/chain/bitcoin/regtest/admin.macaroon";
    assert.equal((await resolveLndConfig({ macaroonpath }, folders)).network, null);
    assert.equal(
      (await resolveLndConfig({ macaroonpath, network: "simnet" }, folders)).network,
      "simnet",
    );
  });

  it("can be printed", async () => {
    const config = await resolveLndConfig({}, folders);
    const uri = lndconnect(await readFile(tlsFile("fake-lnd.cert.pem"), "utf8"));
    for (const each of [config, await resolveLndConfig({ lndconnect: uri }, folders)]) {
      const printed = inspect(each, { depth: 9 }) + JSON.stringify(each);
      assert.ok(!printed.includes(fakeMacaroon.toString("hex")));
      assert.ok(!printed.includes(fakeMacaroon.toString("base64url")));
    }
  });

  const problems: readonly {
    name: string;
    options: LndOptions;
    code: ErrorCode;
    message: RegExp;
  }[] = [
    {
      name: "no lnd here",
      options: { lnddir: "~/bare" },
      code: "usage",
      message:
        /^there is no tls.cert at .*bare\/tls.cert: is lnd installed here.* give --lnddir or --tlscertpath/,
    },
    {
      name: "an lnd without a wallet",
      options: { lnddir: "~/fresh" },
      code: "usage",
      message:
        /^there is no macaroon at .*mainnet\/admin.macaroon: lnd writes it when its wallet is created/,
    },
    {
      name: "an lnd on another network",
      options: { network: "signet" },
      code: "usage",
      message: /this lnd has been on mainnet, regtest: give --network/,
    },
    {
      name: "no such macaroon",
      options: { macaroonpath: "~/none" },
      code: "usage",
      message: /^there is no macaroon at .*none: correct --macaroonpath/,
    },
    {
      name: "a certificate that is none",
      options: { tlscertpath: "~/.lnd/data/chain/bitcoin/mainnet/admin.macaroon" },
      code: "node-untrusted",
      message: /holds no PEM certificate/,
    },
    {
      name: "a macaroon that is a folder",
      options: { macaroonpath: "~/.lnd" },
      code: "io",
      message: /EISDIR/,
    },
    {
      name: "an address with a scheme",
      options: { rpcserver: "https://localhost:10009" },
      code: "usage",
      message: /--rpcserver must be HOST:PORT/,
    },
    {
      name: "lndconnect and more",
      options: { lndconnect: "lndconnect://h:1?macaroon=AA", tlscertpath: "x" },
      code: "usage",
      message: /can.t be combined with --tlscertpath/,
    },
    {
      name: "lndconnect that is none",
      options: { lndconnect: "https://h:1?macaroon=c2VjcmV0" },
      code: "usage",
      message: /--lndconnect must be lndconnect:\/\/HOST:PORT/,
    },
    {
      name: "lndconnect without a macaroon",
      options: { lndconnect: "lndconnect://h:1" },
      code: "usage",
      message: /has no macaroon/,
    },
    {
      name: "lndconnect with bad base64",
      options: { lndconnect: "lndconnect://h:1?macaroon=c2V*jcmV0" },
      code: "usage",
      message: /its macaroon is not base64url/,
    },
    {
      name: "lndconnect with another secret",
      options: { lndconnect: "lndconnect://h:1?macaroon=c2VjcmV0" },
      code: "node-denied",
      message: /^the lndconnect URI holds no macaroon/,
    },
    {
      name: "lndconnect with a bad certificate",
      options: {
        lndconnect: `lndconnect://h:1?cert=AAAA&macaroon=${fakeMacaroon.toString("base64url")}`,
      },
      code: "node-untrusted",
      message: /^the lndconnect URI holds no PEM certificate/,
    },
  ];
  for (const { name, options, code, message } of problems) {
    it(`say what is wrong: ${name}`, async () => {
      await assert.rejects(resolveLndConfig(options, folders), (error) => {
        assert.ok(hasCode(error, code), inspect(error));
        assert.match(error.message, message);
        assert.ok(!error.message.includes("c2V"), "no secret");
        return true;
      });
    });
  }

  it("can come as an lndconnect URI", async () => {
    const pem = await readFile(tlsFile("fake-lnd.cert.pem"), "utf8");
    const config = await resolveLndConfig({ lndconnect: lndconnect(pem) }, folders);
    assert.equal(config.address, "node.example:10010");
    assert.equal(config.network, null);
    assert.equal(await config.credentials.readMacaroon(), fakeMacaroon.toString("hex"));
    const found = await config.credentials.readCertificate();
    assert.equal(found, pem.slice(pem.indexOf("-----BEGIN")));
  });

  it("trust the system's authorities where the URI has no certificate", async () => {
    const uri = `lndconnect://node.example?macaroon=${fakeMacaroon.toString("base64url")}`;
    const config = await resolveLndConfig({ lndconnect: uri, network: "signet" }, folders);
    assert.equal(await config.credentials.readCertificate(), null);
    assert.equal(config.address, "node.example:10009");
    assert.equal(config.network, "signet");
  });
});

describe("addresses of lnd", () => {
  const valid: Record<string, string> = {
    localhost: "localhost:10009",
    "localhost:1": "localhost:1",
    "10.0.0.1:10010": "10.0.0.1:10010",
    "[::1]": "[::1]:10009",
    "[fe80::1]:9": "[fe80::1]:9",
    "node.example.onion:10009": "node.example.onion:10009",
  };
  for (const [text, expected] of Object.entries(valid)) {
    it(text, () => assert.equal(parseLndAddress(text, "--rpcserver"), expected));
  }
  for (const text of [
    "",
    ":1",
    "::1",
    "h:0",
    "h:65536",
    "h:x",
    "h:1/x",
    "u@h:1",
    "a b:1",
    "[:::]:1",
  ]) {
    it(`not ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseLndAddress(text, "--rpcserver"), { code: "usage" }));
  }
});

function lndconnect(pem: string): string {
  const der = Buffer.from(pem.replaceAll(/^[^-]*\n|-----[A-Z ]+-----|\s/g, ""), "base64");
  return `lndconnect://node.example:10010?cert=${der.toString("base64url")}&macaroon=${fakeMacaroon.toString("base64url")}`;
}
