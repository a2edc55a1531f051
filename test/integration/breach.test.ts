import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { z } from "zod";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { Bucket } from "../support/bucket.ts";
import type { RunningCli } from "../support/cli.ts";
import { bakeLeastPrivilege, LndMirror } from "../support/lnd-mirror.ts";

const bucketName = "breached";
const closedSchema = z.object({
  channels: z.array(z.object({ channel_point: z.string(), close_type: z.string() })),
});

// Bob is set back to an old copy of his database while alice is away, and closes by force with it.
peerSuite("a mirror of a node whose peer cheats", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let bucket: Bucket;
  let folder: string;
  let alice: LndNode;
  let bob: LndNode;
  let mirror: LndMirror;
  let running: RunningCli;
  let breached: string;
  let kept: string;

  before(async () => {
    [network, minio] = await Promise.all([
      startLndNetwork({ nodes: ["alice", "bob", "carol"] }),
      startMinio(),
    ]);
    folder = await mkdtemp(join(tmpdir(), "scb-breach-"));
    alice = network.node("alice");
    bob = network.node("bob");
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    const macaroonPath = await bakeLeastPrivilege(alice);
    mirror = new LndMirror({ lnd: alice, macaroonPath, minio, bucket });
    running = await mirror.start();
    breached = await network.openChannel(bob, alice, { sat: 500_000 });
    kept = await network.openChannel(network.node("carol"), alice, { sat: 300_000 });
  });
  after(async () => {
    await mirror?.[Symbol.asyncDispose]();
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const held = async (): Promise<readonly string[]> =>
    alice.verifyChanBackup((await bucket.current(mirror.folder)).bytes);
  const closed = async (): Promise<string | undefined> => {
    const { channels } = await alice.query(closedSchema, "closedchannels");
    return channels.find((channel) => channel.channel_point === breached)?.close_type;
  };

  it("holds both channels until lnd calls the one that was breached closed", async () => {
    await mirror.expectSaved(async () => [breached, kept].toSorted());
    await bob.stop();
    await cp(bob.lnddir, folder, { recursive: true });
    await bob.start();
    await network.connect(bob, alice);
    for (let payments = 0; payments < 3; payments += 1) await network.pay(bob, alice, 50_000);

    await bob.stop();
    await rm(bob.lnddir, { recursive: true });
    await cp(folder, bob.lnddir, { recursive: true });
    await alice.kill();
    await bob.start();
    await network.closeChannel(bob, breached, "force");
    await network.mine(1);

    const atStart = mirror.events.length;
    await alice.start();
    // lnd acts on the cheating transaction once it has a few confirmations.
    await waitFor(
      "alice's penalty",
      async () => {
        const [penalty] = await network.btcd.mempool();
        if (penalty === undefined) await network.mine(1);
        return penalty;
      },
      { timeoutMs: 60_000, everyMs: 2_000, details: () => alice.logTail() },
    );
    // Until the penalty is paid lnd lists the channel nowhere.
    await running.event(
      (event) => mirror.events.indexOf(event) >= atStart && event.event === "refused",
    );
    assert.equal(await closed(), undefined);
    assert.deepEqual(await held(), [breached, kept].toSorted());
    const { healthy, problems } = await mirror.status();
    assert.equal(healthy, false);
    assert.match(JSON.stringify(problems), /"code":"refused"/);
  });

  it("goes on by itself when the penalty is paid", async () => {
    for (let mined = 0; mined < 6; mined += 1) await network.mine(1);
    await waitFor("alice to call it closed", async () => await closed(), { timeoutMs: 30_000 });
    assert.equal(await closed(), "BREACH_CLOSE");
    await mirror.expectSaved();
    assert.deepEqual(await held(), [kept]);
    await mirror.expectNothingLost();
  });
});
