import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { openUnfundedChannel } from "../peers/unfunded-channel.ts";
import { waitFor } from "../peers/wait-for.ts";
import { Bucket } from "../support/bucket.ts";
import type { CliEvent, RunningCli } from "../support/cli.ts";
import { bakeLeastPrivilege, LndMirror } from "../support/lnd-mirror.ts";

const bucketName = "lightning";
const acceptedSchema = z.object({ sequence: z.number(), accepted: z.string(), code: z.string() });

// A node that goes through every ordinary close, is lost, and is restored from its seed: mirrored
// over gRPC into one folder, and over gRPC and the file into another. Each test continues from the
// state that the previous one left.
peerSuite("a mirror of a node that is restored", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let bucket: Bucket;
  let alice: LndNode;
  let bob: LndNode;
  let carol: LndNode;
  let grpc: LndMirror;
  let both: LndMirror;
  let running: readonly RunningCli[] = [];
  /** The channels that outlive the closes: one with each peer. */
  let withBob: string;
  let withCarol: string;
  /** Opened after the restore. */
  let fresh: string;

  const mirrorsOf = async (lnd: LndNode): Promise<void> => {
    const options = { lnd, macaroonPath: await bakeLeastPrivilege(lnd), minio, bucket };
    grpc = new LndMirror(options);
    both = new LndMirror({ ...options, name: "both", backupFile: lnd.channelBackupPath });
  };
  const start = async (): Promise<void> => {
    running = await Promise.all([grpc.start(), both.start()]);
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    for (const one of running) await one.end(signal);
  };

  before(async () => {
    [network, minio] = await Promise.all([
      startLndNetwork({ nodes: [{ name: "alice", wallet: {} }, "bob", "carol"] }),
      startMinio(),
    ]);
    alice = network.node("alice");
    bob = network.node("bob");
    carol = network.node("carol");
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    await mirrorsOf(alice);
    await start();
  });
  after(async () => {
    await stop("SIGKILL");
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
  });

  const exported = async (): Promise<readonly string[]> =>
    alice.verifyChanBackup(await alice.exportChanBackup());
  /** What the store holds for each mirror, once it is what is expected. */
  const expectHeld = async (mirror: LndMirror, expected: readonly string[]): Promise<void> => {
    await waitFor(
      `${mirror.folder} to hold ${expected.join(", ")}`,
      async () => {
        const { bytes } = await bucket.current(mirror.folder);
        const held = await alice.verifyChanBackup(bytes);
        return isDeepStrictEqual(held, expected.toSorted()) ? true : undefined;
      },
      {
        timeoutMs: 45_000,
        details: () => JSON.stringify(mirror.events.slice(-4)),
      },
    );
  };
  const refusals = (mirror: LndMirror): readonly CliEvent[] =>
    mirror.events.filter(({ event }) => event === "refused");
  /** One block after the other, so that each state in between is seen. */
  const mineSlowly = async (blocks: number): Promise<void> => {
    for (let mined = 0; mined < blocks; mined += 1) await network.mine(1);
  };

  it("has channels with both peers", async () => {
    withBob = await network.openChannel(alice, bob, { sat: 500_000 });
    withCarol = await network.openChannel(carol, alice, { sat: 400_000 });
    for (const mirror of [grpc, both]) await expectHeld(mirror, [withBob, withCarol]);
  });

  const closes = [
    { by: "alice", how: "coop" },
    { by: "alice", how: "force" },
    { by: "bob", how: "force" },
  ] as const;
  it("lets channels go that are closed by agreement, by force, and by the peer's force", async () => {
    const closing: string[] = [];
    for (const _ of closes) {
      closing.push(await network.openChannel(alice, bob, { sat: 300_000 }));
    }
    const all = [withBob, withCarol, ...closing];
    for (const mirror of [grpc, both]) await expectHeld(mirror, all);
    for (const [at, { by, how }] of closes.entries()) {
      await network.closeChannel(network.node(by), closing[at] ?? "", how);
    }
    await mineSlowly(6);
    await expectHeld(grpc, [withBob, withCarol]);
    // The file keeps what this node has forced until its funds are home.
    await expectHeld(both, [withBob, withCarol, closing[1] ?? ""]);
    await network.mine(150);
    await mineSlowly(3);
    await expectHeld(both, [withBob, withCarol]);
    for (const mirror of [grpc, both]) assert.deepEqual(refusals(mirror), []);
  });

  it("holds the backup while the new node has nothing yet", async () => {
    await stop("SIGKILL");
    await alice.kill();
    await carol.kill();
    const wallet = { words: alice.words };
    alice = await network.addNode({ name: "alice again", wallet }, { funded: false });
    assert.deepEqual(await exported(), []);
    await mirrorsOf(alice);
    await start();
    for (const mirror of [grpc, both]) {
      await running[mirror === grpc ? 0 : 1]?.event(({ code }) => code === "empty");
      await expectHeld(mirror, [withBob, withCarol]);
      const { healthy, problems } = await mirror.statusAgainstNode();
      assert.equal(healthy, false);
      assert.match(JSON.stringify(problems), /"code":"refused".*is empty/);
    }
  });

  it("holds it when the channels are there again, but poorer", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-restore-"));
    try {
      const file = join(folder, "channel.backup");
      await writeFile(file, (await bucket.current(grpc.folder)).bytes);
      await alice.lncli("restorechanbackup", `--multi_file=${file}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    assert.deepEqual(await exported(), [withBob, withCarol].toSorted());
    // lnd sends no event for a restore: a mirror sees it at its next look.
    await stop("SIGTERM");
    await start();
    for (const [at, mirror] of [grpc, both].entries()) {
      const refused = await running[at]?.event("refused");
      assert.equal(refused?.["code"], "poorer", JSON.stringify(refused));
      assert.match(String(refused?.["message"]), /less recovery data than before for 2 channels/);
      await expectHeld(mirror, [withBob, withCarol]);
    }
  });

  it("holds it when they become fewer, and keeps each state once", async () => {
    await waitFor("bob's force close", async () => (await network.btcd.mempool())[0], {
      timeoutMs: 60_000,
    });
    await mineSlowly(6);
    await waitFor(
      "the export to lack it",
      async () => ((await exported()).includes(withBob) ? undefined : true),
      { timeoutMs: 30_000 },
    );
    for (const [at, mirror] of [grpc, both].entries()) {
      await running[at]?.event(({ message }) => /before for 1 channel,/.test(String(message)));
      await expectHeld(mirror, [withBob, withCarol]);
      const listing = (await bucket.listing()).filter((line) =>
        line.startsWith(`${mirror.folder}/quarantine/`),
      );
      const states = new Set(refusals(mirror).map(({ quarantineKey }) => quarantineKey));
      assert.ok(listing.length <= 8 && listing.length === 2 * states.size, listing.join("\n"));
    }
  });

  it("goes on from the new state when a person accepts it", async () => {
    const accepted = acceptedSchema.parse(await grpc.ask("accept", "--yes", "--json"));
    assert.equal(accepted.code, "poorer");
    await expectHeld(grpc, [withCarol]);
    const status = await grpc.status();
    assert.deepEqual([status.problems, status.healthy], [[], true]);
    const seen = refusals(grpc).length;
    fresh = await network.openChannel(bob, alice, { sat: 600_000 });
    await expectHeld(grpc, [withCarol, fresh]);
    assert.equal(refusals(grpc).length, seen, "the mirror that runs has gone on from it");
    await expectHeld(both, [withBob, withCarol]);

    // Where nobody has accepted: by itself, when the node has seen every channel of before close.
    await carol.start();
    await network.connect(alice, carol);
    await waitFor("carol's force close", async () => (await network.btcd.mempool())[0], {
      timeoutMs: 60_000,
    });
    await mineSlowly(6);
    for (const mirror of [grpc, both]) {
      await expectHeld(mirror, [fresh]);
      const after = await mirror.statusAgainstNode();
      assert.deepEqual([after.problems, after.healthy], [[], true]);
      await mirror.expectNothingLost();
    }
  });

  it("lets a channel go whose funding never confirms", async () => {
    const seen = [grpc, both].map((mirror) => refusals(mirror).length);
    const unfunded = await openUnfundedChannel(carol, alice, { sat: 200_000 });
    for (const mirror of [grpc, both]) await expectHeld(mirror, [fresh, unfunded]);
    // Only a node that waits for it has to see the 2,016 blocks after which lnd gives up.
    await Promise.all([bob.kill(), carol.kill()]);
    for (let mined = 0; mined < 2_050; mined += 205) await network.mine(205);
    await expectHeld(grpc, [fresh]);
    // lnd's own file never hears of that, and keeps it.
    await expectHeld(both, [fresh, unfunded]);
    assert.deepEqual(
      [grpc, both].map((mirror) => refusals(mirror).length),
      seen,
    );
  });
});
