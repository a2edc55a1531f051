import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { acknowledged } from "../support/acknowledged.ts";
import { Bucket } from "../support/bucket.ts";
import type { RunningCli } from "../support/cli.ts";
import { bakeLeastPrivilege, LndMirror } from "../support/lnd-mirror.ts";

const bucketName = "lightning";

// An operator's setup: a node with peers, a bucket, and the program. Each test continues
// from the state that the previous one left.
peerSuite("a real node mirrored into a real bucket", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let bucket: Bucket;
  let alice: LndNode;
  let bob: LndNode;
  let macaroonPath: string;
  let mirror: LndMirror;
  let running: RunningCli;
  /** Alice's open channels, oldest first. */
  const channels: string[] = [];

  before(async () => {
    [network, minio] = await Promise.all([
      startLndNetwork({ nodes: ["alice", "bob"] }),
      startMinio(),
    ]);
    alice = network.node("alice");
    bob = network.node("bob");
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    macaroonPath = await bakeLeastPrivilege(alice);
    mirror = new LndMirror({ lnd: alice, macaroonPath, minio, bucket });
  });
  after(async () => {
    await mirror?.[Symbol.asyncDispose]();
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
  });

  const open = async (from: LndNode, to: LndNode, type: "anchors" | "taproot" = "anchors") => {
    channels.push(await network.openChannel(from, to, { sat: 500_000, type }));
  };
  const close = async (how: "coop" | "force"): Promise<void> => {
    await network.connect(alice, bob);
    await network.closeChannel(alice, channels.shift() ?? "", how);
    await network.mine(6);
  };
  /** Waits for a new event of the mirror. */
  const nextEvent = (name: string) => {
    const seen = running.events.length;
    return () => running.event(name, { after: seen, timeoutMs: 60_000 });
  };

  it("saves the state of a node without channels", async () => {
    running = await mirror.start();
    await mirror.expectSaved();
    assert.equal((await mirror.status()).latest.channels, 0);
  });

  it("saves a channel while it is pending", async () => {
    await network.connect(alice, bob);
    await alice.lncli("openchannel", `--node_key=${bob.pubkey}`, "--local_amt=500000");
    const points = await waitFor(
      "a pending channel",
      async () => {
        const found = await alice.channelPoints();
        return found.length > 0 ? found : undefined;
      },
      { timeoutMs: 20_000 },
    );
    await mirror.expectSaved();
    channels.push(...points);
    await network.mine(6);
    await mirror.expectSaved();
  });

  it("saves a second channel, that the peer opens", async () => {
    await open(bob, alice, "taproot");
    assert.equal(channels.length, 2);
    await mirror.expectSaved();
  });

  it("drops a channel that is closed by agreement", async () => {
    await close("coop");
    await mirror.expectSaved();
  });

  it("drops a channel that is closed by force", async () => {
    await open(alice, bob);
    await close("force");
    await mirror.expectSaved();
    assert.equal((await mirror.status()).latest.channels, 1);
  });

  for (const how of ["lncli stop", "kill -9"] as const) {
    it(`goes on after ${how} of lnd`, async () => {
      const retrying = nextEvent("retrying");
      await (how === "kill -9" ? alice.kill() : alice.stop("lncli"));
      await retrying();
      assert.equal((await mirror.status()).healthy, true, "the store is well without the node");
      const recovered = nextEvent("recovered");
      await alice.start();
      await recovered();
      await mirror.expectSaved();
      await open(alice, bob);
      await mirror.expectSaved();
    });
  }

  it("saves what happens while MinIO is away, as soon as it is back", async () => {
    await minio.kill();
    const retrying = nextEvent("retrying");
    await open(alice, bob);
    await retrying();
    const recovered = nextEvent("recovered");
    await minio.restart();
    await recovered();
    await mirror.expectSaved();
  });

  it("saves after its start what has happened while it was dead", async () => {
    assert.equal(await running.end("SIGKILL"), null);
    await close("coop");
    await open(alice, bob);
    const { healthy, covered } = await mirror.statusAgainstNode();
    assert.deepEqual({ healthy, covered }, { healthy: false, covered: false });
    running = await mirror.start();
    await mirror.expectSaved();
  });

  it("is killed just when channels change, again and again, and goes on", async () => {
    for (const pauseMs of [0, 5, 15]) {
      const swapped = nextEvent("swapped");
      const opening = open(alice, bob);
      await swapped();
      await delay(pauseMs);
      await running.end("SIGKILL");
      running = await mirror.start();
      await opening;
    }
    await mirror.expectSaved();
  });

  it("is killed while MinIO is away, and loses nothing", async () => {
    await minio.kill();
    const retrying = nextEvent("retrying");
    await close("coop");
    await retrying();
    await running.end("SIGKILL");
    running = mirror.launch();
    await running.event("retrying");
    await minio.restart();
    await running.event("started");
    await mirror.expectSaved();
  });

  it("shares a folder with a second mirror", async () => {
    const first = running;
    const second = await mirror.start();
    await open(alice, bob);
    await mirror.expectSaved();
    await close("force");
    await mirror.expectSaved();
    for (const one of [first, second]) {
      assert.equal(one.child.exitCode, null);
      assert.ok(one.events.every(({ event }) => event !== "refused"));
    }
    await second.end("SIGKILL");
    await open(bob, alice);
    await mirror.expectSaved();
  });

  it("has kept every version that it said was saved, in one line", async () => {
    await mirror.expectNothingLost();
  });

  it("stops in peace, and has nothing more to save", async () => {
    assert.equal(await running.end("SIGTERM"), 0, running.stderr);
    assert.equal(running.events.at(-1)?.event, "stopped");
    running = await mirror.start();
    await running.event("unchanged");
    assert.deepEqual(acknowledged(running.events), []);
    await running.end();
  });

  it("watches lnd's own file too, and keeps a force-closed channel until its funds are home", async () => {
    const both = new LndMirror({
      ...{ lnd: alice, macaroonPath, minio, bucket, name: "both" },
      backupFile: alice.channelBackupPath,
    });
    const inFile = async () => alice.verifyChanBackup(await readFile(alice.channelBackupPath));
    try {
      const one = await both.start();
      await both.expectSaved(inFile);
      const [closing = ""] = channels;
      await close("force");
      await waitFor(
        "an export without the closed channel",
        async () => {
          const exported = await alice.verifyChanBackup(await alice.exportChanBackup());
          return exported.includes(closing) ? undefined : true;
        },
        { timeoutMs: 30_000 },
      );
      // Long enough for the event to be followed, and for the look that comes after it.
      await delay(3_000);
      assert.ok((await inFile()).includes(closing));
      await both.expectSaved(inFile);
      assert.equal(one.child.exitCode, null);
      await both.expectNothingLost();
    } finally {
      await both[Symbol.asyncDispose]();
    }
  });

  it("mirrors lnd's own file alone, byte for byte", async () => {
    const fromFile = new LndMirror({
      ...{ lnd: alice, macaroonPath, minio, bucket, name: "file" },
      from: ["--from", `file:${alice.channelBackupPath}`],
    });
    try {
      await fromFile.start();
      await network.connect(alice, bob);
      await open(alice, bob);
      await waitFor(
        "the bytes of the file",
        async () => {
          const { bytes } = await bucket.current(fromFile.folder);
          return (await readFile(alice.channelBackupPath)).equals(bytes) ? true : undefined;
        },
        { timeoutMs: 20_000 },
      );
      const { bytes } = await bucket.current(fromFile.folder);
      const listed = await alice.verifyChanBackup(bytes);
      for (const point of await alice.channelPoints()) assert.ok(listed.includes(point), point);
      assert.equal((await fromFile.status()).healthy, true);
      await fromFile.expectNothingLost();
    } finally {
      await fromFile[Symbol.asyncDispose]();
    }
  });
});
