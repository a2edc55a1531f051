import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { freePort } from "../peers/free-port.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { Bucket } from "../support/bucket.ts";
import { runCli, startRun } from "../support/cli.ts";
import { bakeLeastPrivilege } from "../support/lnd-mirror.ts";
import { assertOneLine } from "../support/one-line.ts";

const bucketName = "bad-input";
const to = ["--to", `s3://${bucketName}`];

interface BadNode {
  readonly name: string;
  readonly args: () => Promise<readonly string[]> | readonly string[];
  readonly code: number;
  /** The problem that the one line must name, and the remedy that it must give. */
  readonly says: readonly RegExp[];
  /** The problem may go away, so a running mirror keeps trying. */
  readonly isWaitedFor?: boolean;
}

peerSuite("what is wrong with the node", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let bucket: Bucket;
  let alice: LndNode;
  let bob: LndNode;
  let macaroonPath: string;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-bad-"));
    [network, minio] = await Promise.all([
      startLndNetwork({ nodes: ["alice", { name: "bob", wallet: {} }] }),
      startMinio(),
    ]);
    alice = network.node("alice");
    bob = network.node("bob");
    await network.openChannel(alice, bob, { sat: 500_000 });
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    macaroonPath = await bakeLeastPrivilege(alice);
    for (const args of [lnd(), ["--from", "demo", "--node", "demo"]]) {
      const saved = await runCli(["run", "--once", ...args, ...to], { env: minio.env() });
      assert.equal(saved.code, 0, saved.stderr);
    }
  });
  after(async () => {
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const lnd = (change: Readonly<Record<string, string>> = {}): readonly string[] => {
    const right = {
      rpcserver: alice.rpcserver,
      network: "simnet",
      tlscertpath: alice.tlsCertPath,
      macaroonpath: macaroonPath,
    };
    const flags = Object.entries({ ...right, ...change });
    return ["--from", "lnd", ...flags.flatMap(([name, value]) => [`--${name}`, value])];
  };
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  const cases: readonly BadNode[] = [
    {
      name: "no macaroon",
      args: () => lnd({ macaroonpath: join(folder, "none.macaroon") }),
      code: 2,
      says: [/no macaroon at \S+none\.macaroon/, /correct --macaroonpath/],
    },
    {
      name: "a macaroon that is garbage",
      args: async () => lnd({ macaroonpath: await write("bad.macaroon", "secret garbage") }),
      code: 1,
      says: [/bad\.macaroon holds no macaroon/, /lncli bakemacaroon/],
    },
    {
      name: "a macaroon that cannot be read",
      args: () => lnd({ macaroonpath: folder }),
      code: 1,
      says: [/macaroon \S+scb-bad-\S+: reading failed \(EISDIR\)/],
    },
    {
      name: "a macaroon of too few permissions",
      args: async () =>
        lnd({ macaroonpath: await alice.bakeMacaroon(["uri:/lnrpc.Lightning/GetInfo"]) }),
      code: 1,
      says: [/\.macaroon does not allow PendingChannels/, /lncli bakemacaroon --save_to/],
    },
    {
      name: "a macaroon from before closed channels were asked for",
      args: async () =>
        lnd({
          macaroonpath: await alice.bakeMacaroon(
            lndCalls
              .filter((call) => call !== "ClosedChannels")
              .map((call) => `uri:/lnrpc.Lightning/${call}`),
          ),
        }),
      code: 1,
      says: [/\.macaroon does not allow ClosedChannels/, /lncli bakemacaroon --save_to/],
    },
    {
      name: "a macaroon of another node",
      args: () => lnd({ macaroonpath: bob.adminMacaroonPath }),
      code: 1,
      says: [/does not accept the macaroon \S+admin\.macaroon/, /give a macaroon of this lnd/],
    },
    {
      name: "another node's certificate",
      args: () => lnd({ tlscertpath: bob.tlsCertPath }),
      code: 1,
      says: [/its certificate isn.t the one in \S+tls\.cert/, /use this lnd's current tls\.cert/],
    },
    {
      name: "a certificate that is none",
      args: async () => lnd({ tlscertpath: await write("tls.cert", "nonsense") }),
      code: 1,
      says: [/tls\.cert holds no PEM certificate/, /give lnd's own tls\.cert/],
    },
    {
      name: "nothing that listens",
      args: async () => lnd({ rpcserver: `127.0.0.1:${await freePort()}` }),
      code: 1,
      says: [/lnd at 127\.0\.0\.1:\d+: nothing listens there/, /correct --rpcserver/],
      isWaitedFor: true,
    },
    {
      name: "another server on that port",
      args: () => lnd({ rpcserver: new URL(minio.endpoint).host }),
      code: 1,
      says: [/isn.t lnd's gRPC server/, /correct --rpcserver/],
      isWaitedFor: true,
    },
    {
      name: "a locked wallet",
      args: async () => {
        await bob.kill();
        await bob.start({ unlock: false });
        return lnd({
          rpcserver: bob.rpcserver,
          tlscertpath: bob.tlsCertPath,
          macaroonpath: bob.adminMacaroonPath,
        });
      },
      code: 1,
      says: [/lnd at \S+: its wallet is locked/, /lncli unlock/],
      isWaitedFor: true,
    },
    {
      name: "a node on another network than --network",
      args: () => lnd({ network: "regtest" }),
      code: 2,
      says: [/is on simnet, not on regtest/, /correct --network/],
    },
    {
      name: "the folder of another node",
      args: () => [...lnd(), "--node", "demo"],
      code: 4,
      says: [/s3:\/\/bad-input\/demo belong to/, /nothing was changed/, /its own folder/],
    },
  ];
  for (const { name, args, code, says, isWaitedFor = false } of cases) {
    it(`run refuses ${name}`, async () => {
      const held = await bucket.listing();
      const given = ["--json", ...(await args()), ...to];
      const commands = isWaitedFor ? [["run", "--once"]] : [["run", "--once"], ["run"]];
      for (const command of commands) {
        const result = await runCli([...command, ...given], { env: minio.env() });
        assertOneLine(result, code, says);
        assert.ok(!result.stderr.includes("secret garbage"), "a macaroon's bytes are never told");
        for (const line of result.stdout.split("\n").filter(Boolean)) {
          assert.equal(JSON.parse(line).event, "started");
        }
      }
      assert.deepEqual(await bucket.listing(), held);
    });
  }

  it("refuses a node on another network than the pointer says", async () => {
    const key = `${alice.pubkey}/latest.json`;
    const { bytes } = await bucket.get(key);
    const text = Buffer.from(bytes).toString("utf8");
    await bucket.put(key, text.replace('"simnet"', '"mainnet"'));
    const held = await bucket.listing();
    for (const command of [["run"], ["run", "--once"], ["run", "--json"]]) {
      const result = await runCli([...command, ...lnd(), ...to], { env: minio.env() });
      assertOneLine(result, 4, [/network is simnet, but .* belong to mainnet/, /check --network/]);
      assert.equal(result.stdout, "");
    }
    assert.deepEqual(await bucket.listing(), held);
    await bucket.put(key, bytes);
  });

  it("waits for a node that is not there, and says so", async () => {
    const held = await bucket.listing();
    const nobody = lnd({ rpcserver: `127.0.0.1:${await freePort()}` });
    await using running = startRun([...nobody, ...to], { env: minio.env() });
    const retrying = await running.event("retrying");
    assert.match(String(retrying["message"]), /nothing listens there/);
    assert.equal(await running.end("SIGTERM"), 0);
    assert.deepEqual(await bucket.listing(), held);
  });

  it("does not tell a status where the node cannot be asked", async () => {
    const wrong = lnd({ macaroonpath: bob.adminMacaroonPath });
    for (const format of [[], ["--json"]]) {
      const result = await runCli(["status", ...format, ...wrong, ...to], { env: minio.env() });
      assertOneLine(result, 1, [/does not accept the macaroon/]);
      assert.equal(result.stdout, "");
    }
  });
});
