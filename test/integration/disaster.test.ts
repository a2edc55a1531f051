import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { z } from "zod";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { inCi } from "../peers/peer-unavailable.ts";
import { runCommand } from "../peers/run-command.ts";
import { waitFor } from "../peers/wait-for.ts";
import { Bucket, sha256 } from "../support/bucket.ts";
import { followHome } from "../support/chain-accounts.ts";
import { cliPath, runCli } from "../support/cli.ts";
import { credentialFor, readOnly } from "../support/credential.ts";
import { bakeLeastPrivilege, LndMirror } from "../support/lnd-mirror.ts";
import { assertOneLine } from "../support/one-line.ts";
import { answerAtTerminal } from "../support/pty.ts";
import { commandBlocks, pageCommands, triedBlocks } from "../support/recovery-page.ts";
import { rescanByPage } from "../support/rescan.ts";

const [firstStore, secondStore] = ["lightning", "second"];

/** What a node had before it was lost. */
interface Estate {
  readonly pubkey: string;
  readonly words: readonly string[];
  readonly walletSat: number;
  /** The node's own balance in each channel, by channel point. */
  readonly channelSat: ReadonlyMap<string, number>;
}

const balanceSchema = z.object({ total_balance: z.string(), confirmed_balance: z.string() });
const channelsSchema = z.object({
  channels: z.array(
    z.object({
      channel_point: z.string(),
      local_balance: z.string(),
      pending_htlcs: z.array(z.unknown()),
    }),
  ),
});
const pendingSchema = z.object({
  waiting_close_channels: z.array(z.object({ channel: z.object({ channel_point: z.string() }) })),
  pending_force_closing_channels: z.array(z.unknown()),
});

// Two nodes with all that they have in channels, mirrored; then both are gone but for their words. Each
// test goes on from the state in which the one before has left the world. What a person does is what
// docs/recovery.md says, read from the page: alice goes by the page, dave by `restore --to-lnd`.
peerSuite("two nodes are lost, and their money comes back", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let folder: string;
  /** A credential that can read the buckets, and nothing else. */
  let emergency: NodeJS.ProcessEnv;
  const buckets: Bucket[] = [];
  const mirrors: LndMirror[] = [];
  let alice: LndNode;
  let dave: LndNode;
  let bob: LndNode;
  let carol: LndNode;
  let estates: { alice: Estate; dave: Estate };
  let lostAtHeight: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-disaster-"));
    [network, minio] = await Promise.all([
      startLndNetwork({
        nodes: [{ name: "alice", wallet: {} }, { name: "dave", wallet: {} }, "bob", "carol"],
      }),
      startMinio(),
    ]);
    [alice, dave, bob, carol] = [
      network.node("alice"),
      network.node("dave"),
      network.node("bob"),
      network.node("carol"),
    ];
    for (const name of [firstStore, secondStore]) {
      await minio.createBucket(name);
      buckets.push(new Bucket(minio, name));
    }
    emergency = await credentialFor(minio, [...readOnly(firstStore), ...readOnly(secondStore)]);
    await makeCommands();
  });
  after(async () => {
    for (const mirror of mirrors) await mirror[Symbol.asyncDispose]();
    for (const bucket of buckets) bucket[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** `scb-mirror` and `lncli` as commands that a shell finds; the latter for the node that is named. */
  const makeCommands = async (node?: LndNode): Promise<void> => {
    const bin = join(folder, "bin");
    await mkdir(bin, { recursive: true });
    const commands = {
      "scb-mirror": [process.execPath, cliPath],
      ...(node === undefined ? {} : { lncli: node.lncliCommand }),
    };
    for (const [name, words] of Object.entries(commands)) {
      await writeFile(join(bin, name), `#!/bin/sh\nexec '${words.join("' '")}' "$@"\n`);
      await chmod(join(bin, name), 0o755);
    }
  };
  /** Runs commands of the page, in a folder of the test and with what a person has left. */
  const typeIn = (commands: string): Promise<string> =>
    runCommand("bash", ["--norc", "-euo", "pipefail", "-c", commands], {
      cwd: folder,
      env: {
        ...emergency,
        PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
        HOME: folder,
        SCB_MIRROR_NETWORK: "simnet",
      },
      timeoutMs: 60_000,
    });
  const restore = (args: readonly string[]) =>
    runCli(["restore", "--network", "simnet", ...args], { env: emergency, cwd: folder });

  const estateOf = async (node: LndNode): Promise<Estate> => {
    const { channels } = await waitFor(
      `${node.name} without payments on their way`,
      async () => {
        const found = await node.query(channelsSchema, "listchannels");
        const isQuiet = found.channels.every(({ pending_htlcs }) => pending_htlcs.length === 0);
        return isQuiet ? found : undefined;
      },
      { timeoutMs: 30_000 },
    );
    const wallet = await node.query(balanceSchema, "walletbalance");
    return {
      pubkey: node.pubkey,
      words: node.words,
      walletSat: Number(wallet.total_balance),
      channelSat: new Map(
        channels.map((channel) => [channel.channel_point, Number(channel.local_balance)]),
      ),
    };
  };
  const waitingToClose = async (node: LndNode): Promise<readonly string[]> => {
    const pending = await node.query(pendingSchema, "pendingchannels");
    return pending.waiting_close_channels.map(({ channel }) => channel.channel_point).sort();
  };
  /**
   * As the page says for a peer that does not close: lnd's own calls for several channels of one peer
   * cut each other off, and for a peer that was away they come ever more seldom.
   */
  const callByHand = async (peer: LndNode): Promise<void> => {
    const peers = await typeIn(pageCommands(/lncli listpeers/));
    if (!peers.includes(peer.pubkey)) {
      const names = { PEER: peer.pubkey, "HOST:9735": peer.listenHost };
      try {
        await typeIn(pageCommands(/lncli connect/, names));
      } catch (error) {
        // The nodes also try it on their own, and may have been first.
        if (!String(error).includes("already connected")) throw error;
      }
    }
    await network.connect(dave, peer);
  };
  /** Mines until the peers have closed all but `left` of the restored channels of each node. */
  const mineClosings = (left: number): Promise<unknown> =>
    waitFor(
      `all but ${left} channels closed`,
      async () => {
        await network.mine(1);
        const waiting = await Promise.all([alice, dave].map(waitingToClose));
        return waiting.every(({ length }) => length <= left) ? true : undefined;
      },
      {
        timeoutMs: 120_000,
        everyMs: 1_000,
        details: () => [alice, dave].map((node) => node.logTail()).join("\n"),
      },
    );
  /** Mines until none of the node's funds are in flight. */
  const mineHome = async (node: LndNode, channels: number): Promise<void> => {
    const closedSchema = z.object({ channels: z.array(z.unknown()) });
    await waitFor(
      `${node.name}'s channels resolved`,
      async () => {
        await network.mine(1);
        const { channels: closed } = await node.query(closedSchema, "closedchannels");
        const wallet = await node.query(balanceSchema, "walletbalance");
        const isHome =
          closed.length === channels && wallet.total_balance === wallet.confirmed_balance;
        return isHome ? true : undefined;
      },
      { timeoutMs: 60_000, everyMs: 500, details: () => node.logTail() },
    );
  };

  it("the nodes live: channels of each type and by either side, payments, one that closes", async () => {
    for (const [lnd, store] of [
      [alice, 0],
      [alice, 1],
      [dave, 0],
    ] as const) {
      const [bucket] = buckets.slice(store);
      assert.ok(bucket !== undefined);
      const macaroonPath = await bakeLeastPrivilege(lnd);
      const mirror = new LndMirror({ lnd, macaroonPath, minio, bucket });
      mirrors.push(mirror);
      await mirror.start();
    }
    const [, , toClose = ""] = await network.openChannels([
      { from: alice, to: bob, sat: 1_000_000, type: "tweakless" },
      { from: bob, to: alice, sat: 900_000, type: "anchors" },
      { from: carol, to: alice, sat: 500_000, type: "anchors" },
      { from: dave, to: carol, sat: 800_000, type: "anchors" },
    ]);
    await network.pay(carol, alice, 30_000);
    await network.closeChannel(alice, toClose);
    await network.openChannels([
      { from: alice, to: carol, sat: 700_000, type: "taproot" },
      { from: bob, to: dave, sat: 600_000, type: "tweakless" },
    ]);
    await network.pay(alice, carol, 150_000);
    await network.pay(bob, alice, 210_000);
    await network.pay(dave, carol, 170_000);
    await network.pay(bob, dave, 90_000);
    for (const mirror of mirrors) await mirror.expectSaved();
  });

  it("and are gone, with their folders and their mirrors", async () => {
    estates = { alice: await estateOf(alice), dave: await estateOf(dave) };
    assert.equal(estates.alice.channelSat.size, 3);
    assert.equal(estates.dave.channelSat.size, 2);
    for (const mirror of mirrors) await mirror[Symbol.asyncDispose]();
    for (const node of [alice, dave]) {
      await node.kill();
      await rm(node.lnddir, { recursive: true });
    }
    lostAtHeight = await network.btcd.height();
  });

  it("the credential in the safe reads, and can do nothing else", async () => {
    const out = join(folder, "read-only.backup");
    const to = ["--to", `s3://${firstStore}/nodes`, "--node", estates.alice.pubkey];
    const held = await buckets[0]?.listing();
    const result = await restore([...to, "-o", out, "--log-level", "info"]);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /has no record of it/);
    assert.deepEqual(await buckets[0]?.listing(), held);
  });

  it("the newest backup in one store is damaged: it says so, offers an older one, and writes nothing", async () => {
    const [bucket] = buckets;
    assert.ok(bucket !== undefined);
    const current = await bucket.current(`nodes/${estates.alice.pubkey}`);
    const key = `nodes/${estates.alice.pubkey}/${current.pointer.version.key}`;
    const { bytes, metadata } = await bucket.get(key);
    await bucket.put(key, bytes.subarray(0, bytes.length >> 1), metadata);
    const older = current.pointer.sequence - 1;
    const to = ["--to", `s3://${firstStore}/nodes`, "--node", estates.alice.pubkey];
    const failed = await restore(to);
    assertOneLine(failed, 1, [
      /not the ones that were saved/,
      new RegExp(`newest intact version is sequence ${older}`),
      new RegExp(`scb-mirror restore ${older} --to s3://${firstStore}/nodes`),
    ]);
    await assert.rejects(readFile(join(folder, "channel.backup")), { code: "ENOENT" });
    assert.equal((await restore([String(older), ...to, "-o", "older.backup"])).code, 0);
  });

  it("the page fetches it from the other store, and opens it with the words", async () => {
    await writeFile(join(folder, "words.txt"), estates.alice.words.join(" "), { mode: 0o600 });
    const replacements = { "s3://my-bucket/lightning": `s3://${secondStore}/nodes` };
    const said = await typeIn(pageCommands(/lightning$/, replacements));
    assert.match(said, /What to do now.*lncli --network=simnet restorechanbackup/s);
    const opened = await typeIn(pageCommands(/--key-file words\.txt/, replacements));
    assert.match(opened, /3 channels/);
    assert.match(opened, /it decrypts with your key/);
    assert.match(opened, /The channels hold 2600000 sat in all/);
  });

  it("the page's stock tools fetch the same bytes", async () => {
    const expected = sha256(await readFile(join(folder, "channel.backup")));
    const names = pageCommands(/^STORE=/m, {
      "03ab…": estates.alice.pubkey,
      "my-bucket/lightning": `${secondStore}/nodes`,
    });
    const withCurl = pageCommands(/^ENDPOINT=/, {
      "https://s3.eu-central-1.amazonaws.com": minio.endpoint,
      "eu-central-1": minio.region,
    });
    const token = `header = "x-amz-security-token: ${emergency["AWS_SESSION_TOKEN"]}"\n`;
    await writeFile(join(folder, ".curlrc"), token, { mode: 0o600 });
    const ways = [withCurl];
    if (inCi() || (await typeIn("command -v aws || true")) !== "") {
      ways.push(pageCommands(/aws s3 cp/), pageCommands(/versions\/"$/));
    }
    for (const way of ways) {
      const said = await typeIn(`${names}\n${way}`);
      if (way.includes("sha256sum")) assert.equal(said.split(expected).length, 3, said);
    }
    assert.equal(sha256(await readFile(join(folder, "channel.backup"))), expected);
  });

  it("the words make new nodes: alice by the page, while carol is away", async () => {
    await carol.kill();
    const byThePage = {
      create: async (lncli: readonly string[], password: string) => {
        assert.equal(pageCommands(/create/), "lncli create");
        await answerAtTerminal(
          [...lncli, "create"],
          [
            { prompt: /Input wallet password:/, text: password },
            { prompt: /Confirm password:/, text: password },
            { prompt: /Enter y\/x\/n.*: /, text: "y" },
            { prompt: /24-word mnemonic[^:]*:/, text: estates.alice.words.join(" ") },
            { prompt: /cipher seed passphrase[^:]*:/, text: "" },
            { prompt: /look-ahead[^:]*:/, text: "100" },
          ],
          { timeoutMs: 60_000 },
        );
      },
    };
    const words = { words: estates.dave.words, recoveryWindow: 100 };
    [alice, dave] = await Promise.all([
      network.addNode({ name: "alice-again", wallet: byThePage }, { funded: false }),
      network.addNode({ name: "dave-again", wallet: words }, { funded: false }),
    ]);
    assert.equal(alice.pubkey, estates.alice.pubkey);
    await makeCommands(alice);
    const info = await typeIn(pageCommands(/lncli getinfo/));
    assert.match(info, /"synced_to_chain": *true/);
    assert.ok(info.includes(estates.alice.pubkey));
  });

  it("the page gives alice's node the backup", async () => {
    const said = await typeIn(pageCommands(/verifychanbackup/));
    for (const point of estates.alice.channelSat.keys()) assert.ok(said.includes(point), said);
    assert.deepEqual(await waitingToClose(alice), [...estates.alice.channelSat.keys()].sort());
    assert.equal(await typeIn(pageCommands(/also-\*\.backup/)), "", "nothing else is needed");
    const watched = await typeIn(pageCommands(/lncli pendingchannels/));
    assert.match(watched, /waiting_close_channels/);
  });

  it("restore --to-lnd gives dave's node the version before the last", async () => {
    const reach = (node: LndNode, macaroonPath: string): readonly string[] => [
      ...["--to-lnd", "--rpcserver", node.rpcserver, "--tlscertpath", node.tlsCertPath],
      ...["--macaroonpath", macaroonPath, "--to", `s3://${firstStore}/nodes`],
    ];
    const admin = reach(dave, dave.adminMacaroonPath);
    const { pointer } = await bucketOf(0).current(`nodes/${dave.pubkey}`);
    const sequence = String(pointer.sequence - 1);

    const foreign = await restore([
      ...admin,
      ...["--node", estates.alice.pubkey, String((await aliceSequence()) - 1)],
    ]);
    assertOneLine(foreign, 1, [/cannot decrypt this backup/, /from this backup's 24 words/]);
    const mirrorsOwn = await bakeLeastPrivilege(dave);
    const denied = await restore([sequence, ...reach(dave, mirrorsOwn)]);
    assertOneLine(denied, 1, [/does not allow RestoreChannelBackups: that needs offchain:write/]);
    assert.deepEqual(await waitingToClose(dave), []);

    for (const restored of [2, 0]) {
      const done = await restore([sequence, ...admin, "--json"]);
      assert.equal(done.code, 0, done.stderr);
      const facts = z
        .object({ file: z.null(), restored: z.number(), channels: z.number(), next: z.string() })
        .parse(done.json());
      assert.deepEqual(
        { channels: facts.channels, restored: facts.restored },
        { channels: 2, restored },
      );
      assert.equal(facts.next, "lncli --network=simnet pendingchannels");
    }
    assert.deepEqual(await waitingToClose(dave), [...estates.dave.channelSat.keys()].sort());
  });

  it("bob, who is there, closes; carol closes when she is back", async () => {
    await callByHand(bob);
    await mineClosings(1);
    for (const node of [alice, dave]) {
      assert.equal((await waitingToClose(node)).length, 1, "carol is still waited for");
    }
    await carol.start();
    await callByHand(carol);
    await mineClosings(0);
  });

  it("every sat of every channel is home, less the fees that the chain has taken", async () => {
    for (const [node, estate] of [
      [alice, estates.alice],
      [dave, estates.dave],
    ] as const) {
      await mineHome(node, estate.channelSat.size);
      const points = [...estate.channelSat.keys()];
      const { paidOut, feesSat } = await followHome(network.btcd, node, points, lostAtHeight + 1);
      assert.deepEqual(
        [...paidOut].sort(),
        [...estate.channelSat].sort(),
        "what each channel's closing transaction paid to its owner",
      );
      const wallet = await node.query(balanceSchema, "walletbalance");
      const channelSat = [...estate.channelSat.values()].reduce((sum, sat) => sum + sat, 0);
      assert.equal(Number(wallet.confirmed_balance), estate.walletSat + channelSat - feesSat);
      assert.ok(feesSat > 0 && feesSat < 20_000, `${node.name} paid ${feesSat} sat of fees`);
    }
  });

  it("the page's last rescan finds nothing that isn't there already", async () => {
    const before = await alice.query(balanceSchema, "walletbalance");
    await rescanByPage(alice, typeIn);
    assert.deepEqual(await alice.query(balanceSchema, "walletbalance"), before);
  });

  it("every command of the page was tried", () => {
    // The first block is the credential; all the other blocks already have it in their environment.
    assert.deepEqual(
      commandBlocks.slice(1).filter((block) => !triedBlocks.has(block)),
      [],
    );
  });

  const bucketOf = (index: number): Bucket => {
    const bucket = buckets[index];
    assert.ok(bucket !== undefined);
    return bucket;
  };
  const aliceSequence = async (): Promise<number> => {
    const { bytes } = await bucketOf(0).get(`nodes/${estates.alice.pubkey}/latest.json`);
    return z.object({ sequence: z.number() }).parse(JSON.parse(Buffer.from(bytes).toString("utf8")))
      .sequence;
  };
});
