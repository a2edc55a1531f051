import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { after, before, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";

const bucket = "buckets-are-kept";

// The ground on which the other integration tests stand: what it offers must be as it says.
peerSuite("a small Lightning network", ["lnd"], () => {
  let network: LndNetwork;
  let alice: LndNode;
  let bob: LndNode;
  let channelPoint: string;

  before(async () => {
    network = await startLndNetwork({ nodes: ["alice", { name: "bob", wallet: {} }] });
    alice = network.node("alice");
    bob = network.node("bob");
  });
  after(() => network?.[Symbol.asyncDispose]());

  it("has a wallet from words where one was asked for", () => {
    assert.equal(alice.words.length, 0);
    assert.equal(bob.words.length, 24);
  });

  it("exports an empty Multi of 45 bytes while there is no channel", async () => {
    const backup = await alice.exportChanBackup();
    assert.equal(backup.length, 45);
    assert.deepEqual(await alice.verifyChanBackup(backup), []);
  });

  it("opens channels of all types, both ways", async () => {
    channelPoint = await network.openChannel(alice, bob, { sat: 1_000_000 });
    const others = [
      await network.openChannel(alice, bob, { sat: 500_000, type: "taproot" }),
      await network.openChannel(bob, alice, { sat: 300_000, type: "tweakless", private: true }),
    ];
    assert.deepEqual(await alice.channelPoints(), [channelPoint, ...others].sort());
    assert.deepEqual(await bob.channelPoints(), await alice.channelPoints());
  });

  it("pays", () => network.pay(alice, bob, 10_000));

  it("exports a backup that lists exactly the channels", async () => {
    const backup = await alice.exportChanBackup();
    assert.deepEqual(await alice.verifyChanBackup(backup), await alice.channelPoints());
    assert.deepEqual(
      await alice.verifyChanBackup(readFileSync(alice.channelBackupPath)),
      await alice.channelPoints(),
    );
  });

  it("refuses a backup of another node, and a damaged one", async () => {
    const backup = await bob.exportChanBackup();
    await assert.rejects(alice.verifyChanBackup(backup), /authentication failed/);
    await assert.rejects(alice.verifyChanBackup(randomBytes(backup.length)));
  });

  it("bakes a macaroon that can do no more than it says", async () => {
    const macaroon = await alice.bakeMacaroon(["uri:/lnrpc.Lightning/GetInfo"]);
    await alice.lncli("--macaroonpath", macaroon, "getinfo");
    await assert.rejects(
      alice.lncli("--macaroonpath", macaroon, "walletbalance"),
      /permission denied/,
    );
  });

  for (const how of ["lncli", "SIGTERM"] as const) {
    it(`is there again after ${how} and a start`, async () => {
      await alice.stop(how);
      assert.equal(alice.isRunning(), false);
      await assert.rejects(alice.lncli("getinfo"));
      await alice.start();
      assert.equal((await alice.channelPoints()).length, 3);
    });
  }

  it("is there again after kill -9, locked if so asked", async () => {
    await bob.kill();
    await bob.start({ unlock: false });
    await assert.rejects(bob.lncli("getinfo"), /wallet is encrypted/);
    await bob.kill();
    await bob.start();
    assert.equal((await bob.channelPoints()).length, 3);
  });

  it("closes channels by agreement and by force", async () => {
    await network.connect(alice, bob);
    await network.closeChannel(alice, channelPoint);
    await network.mine(6);
    const [left] = await alice.channelPoints();
    assert.ok(left !== undefined && left !== channelPoint);
    await network.closeChannel(alice, left, "force");
    await network.mine(6);
    const open = await alice.channelPoints();
    assert.equal(open.length, 1);
    // lnd takes a moment after the last block until it calls a channel closed.
    await waitFor(
      "an export of the open channel alone",
      async () => {
        const exported = await alice.verifyChanBackup(await alice.exportChanBackup());
        return isDeepStrictEqual(exported, open) ? true : undefined;
      },
      { timeoutMs: 30_000, details: alice.logTail },
    );
  });

  it("makes the node of given words again", async () => {
    const words = bob.words;
    await bob.kill();
    const again = await network.addNode(
      { name: "bob-again", wallet: { words, recoveryWindow: 100 } },
      { funded: false },
    );
    assert.equal(again.pubkey, bob.pubkey);
    assert.ok(existsSync(again.channelBackupPath));
  });
});

peerSuite("MinIO", ["minio"], () => {
  let minio: MinioServer;
  let client: S3Client;
  const object = { Bucket: bucket, Key: "key" };

  before(async () => {
    minio = await startMinio();
    const { endpoint, region, accessKeyId, secretAccessKey } = minio;
    client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    await minio.createBucket(bucket, { versioning: true });
  });
  after(async () => {
    client?.destroy();
    await minio?.[Symbol.asyncDispose]();
  });

  for (const how of ["stop", "kill"] as const) {
    it(`keeps address and data through ${how} and restart`, async () => {
      await client.send(new PutObjectCommand({ ...object, Body: how }));
      await minio[how]();
      await assert.rejects(client.send(new GetObjectCommand(object)), /ECONNREFUSED/);
      await minio.restart();
      const answer = await client.send(new GetObjectCommand(object));
      assert.equal(await answer.Body?.transformToString(), how);
      assert.ok(answer.VersionId);
    });
  }

  it("gives a child process all that it needs, and nothing of the user's", () => {
    const env: NodeJS.ProcessEnv = {
      AWS_PROFILE: "mine",
      AWS_SESSION_TOKEN: "mine",
      ...minio.env(),
    };
    const { AWS_PROFILE, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID } = env;
    assert.deepEqual(
      { AWS_PROFILE, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID },
      {
        AWS_PROFILE: undefined,
        AWS_SESSION_TOKEN: undefined,
        AWS_ENDPOINT_URL_S3: minio.endpoint,
        AWS_ACCESS_KEY_ID: minio.accessKeyId,
      },
    );
  });
});
