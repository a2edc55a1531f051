import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { fileCredentials } from "../../src/node/lnd/credentials.ts";
import { bakeMacaroonCommand, type LndCall, lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { LndNode } from "../../src/node/lnd/lnd-node.ts";
import { type ErrorCode, ScbError } from "../../src/runtime/error.ts";
import { fakeMacaroon, lndError, point } from "./fake-lnd.ts";
import { fakeSetup } from "./fake-node.ts";

async function failureOf(task: Promise<unknown>): Promise<ScbError> {
  const error = await task.then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ScbError, inspect(error));
  assert.ok(!error.message.includes("\n"), "one line");
  assert.ok(error.message.length < 700, "not long");
  assert.ok(!inspect(error, { depth: 9 }).includes(fakeMacaroon.toString("hex")), "no secret");
  return error;
}

interface Case {
  readonly name: string;
  readonly failure: ConnectError;
  readonly call?: LndCall;
  readonly code: ErrorCode;
  readonly message: RegExp;
}

const cases: readonly Case[] = [
  {
    name: "locked wallet",
    failure: lndError("wallet locked, unlock it to enable full RPC access"),
    code: "node-locked",
    message: /its wallet is locked: run `lncli unlock`/,
  },
  {
    name: "no wallet",
    failure: lndError("wallet not created, create one to enable full RPC access"),
    code: "node-locked",
    message: /no wallet yet: run `lncli create`/,
  },
  {
    name: "starting",
    failure: lndError(
      "the RPC server is in the process of starting up, but not yet ready to accept calls",
    ),
    code: "node-syncing",
    message: /still starting/,
  },
  {
    name: "server starting",
    failure: lndError("server is still in the process of starting"),
    code: "node-syncing",
    message: /still starting/,
  },
  {
    name: "standby",
    failure: lndError("waiting to start, RPC services not available"),
    code: "node-syncing",
    message: /waiting to start/,
  },
  {
    name: "weak macaroon",
    failure: lndError("permission denied"),
    call: "ExportAllChannelBackups",
    code: "node-denied",
    message:
      /does not allow ExportAllChannelBackups: bake one .* `lncli bakemacaroon .*uri:\/lnrpc/,
  },
  {
    name: "macaroon of another node",
    failure: lndError("verification failed: signature mismatch after caveat verification"),
    code: "node-denied",
    message: /does not accept the macaroon .*test.macaroon/,
  },
  {
    name: "revoked macaroon",
    failure: lndError("cannot get macaroon: root key with id 7 doesn't exist"),
    code: "node-denied",
    message: /does not accept the macaroon/,
  },
  {
    name: "a proxy that refuses",
    failure: new ConnectError("no", Code.Unauthenticated),
    code: "node-denied",
    message: /refuses GetInfo/,
  },
  {
    name: "an old lnd",
    failure: new ConnectError("unknown service lnrpc.Lightning", Code.Unimplemented),
    code: "node-unavailable",
    message: /does not know the call GetInfo/,
  },
  {
    name: "an error of lnd's own",
    failure: lndError("unable to fetch all static chan backups: node unknown by address source"),
    call: "ExportAllChannelBackups",
    code: "node-unavailable",
    message: /answered ExportAllChannelBackups with an error: unable to fetch/,
  },
  {
    name: "an error that would move the cursor",
    failure: lndError(`\u001b[2J\r\nall is well${"x".repeat(5_000)}`),
    code: "node-unavailable",
    message: /with an error: {1,2}\[2J all is wellx+$/,
  },
  {
    name: "unavailable",
    failure: new ConnectError("going away", Code.Unavailable),
    code: "node-unavailable",
    message: /connection was lost during GetInfo/,
  },
  {
    name: "a backup that lnd cannot parse",
    failure: lndError("invalid multi channel backup: unable to unpack multi: unexpected EOF"),
    call: "VerifyChanBackup",
    code: "decode",
    message: /can decrypt this backup but not read it/,
  },
];

describe("what lnd's errors become", () => {
  for (const { name, failure, call = "GetInfo", code, message } of cases) {
    it(name, async () => {
      await using setup = await fakeSetup();
      setup.lnd.failures.set(call, failure);
      const source = setup.source();
      const error = await failureOf(
        call === "GetInfo" ? source.identify() : source.snapshot("start"),
      );
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.match(error.message, /^lnd at localhost:\d+: /);
      assert.notEqual(error.cause, undefined);
    });
  }

  it("a backup of another seed", async () => {
    await using setup = await fakeSetup();
    const error = await failureOf(setup.node().verify(new Uint8Array(300)));
    assert.equal(error.code, "decrypt");
    assert.match(error.message, /from another seed than this node's/);
  });

  it("another network than the one that was named", async () => {
    await using setup = await fakeSetup();
    setup.lnd.network = "mainnet";
    const error = await failureOf(setup.source().identify());
    assert.equal(error.code, "usage");
    assert.match(error.message, /is on mainnet, not on regtest: correct --network/);
  });

  it("a network that nobody knows", async () => {
    await using setup = await fakeSetup();
    setup.lnd.network = "litenet";
    const error = await failureOf(setup.source().identify());
    assert.equal(error.code, "usage");
  });
});

describe("what the network's errors become", () => {
  it("nothing listens", async () => {
    await using setup = await fakeSetup();
    await setup.lnd.stop();
    const error = await failureOf(setup.source().identify());
    assert.equal(error.code, "node-unavailable");
    assert.match(error.message, /nothing listens there: is lnd running\?/);
  });

  it("no such host", async () => {
    await using setup = await fakeSetup();
    const error = await failureOf(setup.node({ address: "no-such-host.invalid:1" }).identify());
    assert.equal(error.code, "node-unavailable");
    assert.match(error.message, /host name has no address/);
  });

  it("another certificate", async () => {
    await using setup = await fakeSetup();
    const error = await failureOf(setup.node({ certificate: "elsewhere" }).identify());
    assert.equal(error.code, "node-untrusted");
    assert.match(error.message, /its certificate isn.t the one in .*elsewhere.cert.pem/);
  });

  it("a certificate that no authority has signed", async () => {
    await using setup = await fakeSetup();
    const node = new LndNode({
      address: setup.lnd.address,
      credentials: {
        ...fileCredentials("", setup.macaroonPath),
        certificateFrom: null,
        readCertificate: () => Promise.resolve(null),
      },
      network: null,
    });
    const error = await failureOf(node.identify());
    assert.equal(error.code, "node-untrusted");
    assert.match(error.message, /give lnd's tls.cert with --tlscertpath/);
    node.close();
  });

  it("a certificate for another host name", async () => {
    await using setup = await fakeSetup("elsewhere");
    const error = await failureOf(setup.node({ certificate: "elsewhere" }).identify());
    assert.equal(error.code, "node-untrusted");
    assert.match(error.message, /not for this host name.*tlsextradomain/);
  });

  it("no lnd at all", async () => {
    await using setup = await fakeSetup();
    const other = createServer((socket) => socket.end("SSH-2.0-OpenSSH_9\r\n"));
    other.listen(0, "localhost");
    await once(other, "listening");
    const address = other.address();
    assert.ok(address !== null && typeof address === "object");
    const error = await failureOf(setup.node({ address: `localhost:${address.port}` }).identify());
    other.close();
    assert.equal(error.code, "node-unavailable");
    assert.match(error.message, /isn.t lnd's gRPC server/);
  });

  it("no answer", async () => {
    await using setup = await fakeSetup();
    setup.lnd.hanging.add("GetInfo");
    const error = await failureOf(setup.node({ timing: { callTimeoutMs: 60 } }).identify());
    assert.equal(error.code, "node-unavailable");
    assert.match(error.message, /no answer to GetInfo within 0.06 s/);
  });

  const macaroons: readonly { name: string; bytes: Uint8Array | string; message: RegExp }[] = [
    { name: "an empty file", bytes: "", message: /is empty/ },
    { name: "hex text", bytes: fakeMacaroon.toString("hex"), message: /hex text.*xxd -r -p/ },
    { name: "something else", bytes: "<html>not found</html>", message: /holds no macaroon/ },
    { name: "a cut off one", bytes: fakeMacaroon.subarray(0, 20), message: /holds no macaroon/ },
  ];
  for (const { name, bytes, message } of macaroons) {
    it(`a macaroon that is ${name}`, async () => {
      await using setup = await fakeSetup();
      await writeFile(setup.macaroonPath, bytes);
      const error = await failureOf(setup.source().identify());
      assert.equal(error.code, "node-denied");
      assert.match(error.message, message);
      assert.deepEqual(setup.lnd.calls, [], "nothing was sent");
    });
  }
});

describe("lnd's channels", () => {
  it("are those that are open or pending open", async () => {
    await using setup = await fakeSetup();
    setup.lnd.open = [point(3), point(1)];
    setup.lnd.pendingOpen = [point(2), point(3)];
    assert.deepEqual(await setup.node().openChannelPoints(), [point(1), point(2), point(3)]);
  });

  it("need no call that the recommended macaroon lacks", async () => {
    await using setup = await fakeSetup();
    await setup.source().snapshot("start");
    await setup.node().openChannelPoints();
    const recommended: readonly LndCall[] = lndCalls;
    for (const call of new Set(setup.lnd.calls)) {
      assert.ok(recommended.includes(call) && bakeMacaroonCommand.includes(`/${call}`));
    }
  });
});
