import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { decodePointer } from "../../src/repository/pointer.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { runCommand } from "../peers/run-command.ts";
import { waitFor } from "../peers/wait-for.ts";
import { Bucket } from "../support/bucket.ts";
import { followHome } from "../support/chain-accounts.ts";
import { runCli } from "../support/cli.ts";
import { credentialFor, readOnly } from "../support/credential.ts";
import { bakeLeastPrivilege, LndMirror } from "../support/lnd-mirror.ts";
import { pageCommands } from "../support/recovery-page.ts";
import { rescanByPage } from "../support/rescan.ts";

const storeName = "limbo";
const lockBlocks = 40;
const shortLockBlocks = 2;
/** lnd believes in a close of a channel of this size when it is so deep. */
const closeConfirmations = 3;

const openSchema = z.object({
  channels: z.array(z.object({ channel_point: z.string(), local_balance: z.string() })),
});
const closedSchema = z.object({ channels: z.array(z.object({ channel_point: z.string() })) });
const balanceSchema = z.object({ total_balance: z.string(), confirmed_balance: z.string() });
const restoredSchema = z.object({
  next: z.string(),
  restored: z.number().nullable(),
  newest: z.boolean(),
  also: z.array(
    z.object({ file: z.string().nullable(), channelPoints: z.array(z.string()), error: z.null() }),
  ),
});

/** The channels of each node that is lost: what became of them before that. */
const fates = ["long", "longToo", "short", "remote", "open"] as const;
type Fate = (typeof fates)[number];
/** In limbo when the disk dies, and exported no more. */
const inLimbo = ["long", "longToo", "short", "remote"] as const;

/** A node that is lost, and comes back in its own way. */
interface Victim {
  readonly name: string;
  node: LndNode;
  readonly mirror: LndMirror;
  readonly points: Map<Fate, string>;
  readonly sat: Map<Fate, number>;
  walletSat: number;
}

// Three nodes, mirrored over gRPC alone, have closed channels whose funds aren't home when their disks
// die. Each test goes on from the state in which the one before has left the world.
peerSuite("funds in limbo come back", ["lnd", "minio"], () => {
  let network: LndNetwork;
  let minio: MinioServer;
  let bucket: Bucket;
  let folder: string;
  let emergency: NodeJS.ProcessEnv;
  const victims: Victim[] = [];
  let bob: LndNode;
  let carol: LndNode;
  let closingFromHeight: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-limbo-"));
    // So small a budget that lnd never sweeps the little that is theirs in carol's channels.
    const args = ["--sweeper.budget.tolocalratio=0.001"];
    const lost = ["alice", "dave", "erin"];
    [network, minio] = await Promise.all([
      startLndNetwork({
        nodes: [
          ...lost.map((name) => ({ name, wallet: {}, args })),
          { name: "bob", args: [`--bitcoin.defaultremotedelay=${lockBlocks}`] },
          { name: "carol", args: [`--bitcoin.defaultremotedelay=${shortLockBlocks}`] },
        ],
      }),
      startMinio(),
    ]);
    [bob, carol] = [network.node("bob"), network.node("carol")];
    await minio.createBucket(storeName);
    bucket = new Bucket(minio, storeName);
    emergency = await credentialFor(minio, readOnly(storeName));
    for (const name of lost) {
      const node = network.node(name);
      const macaroonPath = await bakeLeastPrivilege(node);
      const mirror = new LndMirror({ lnd: node, macaroonPath, minio, bucket });
      victims.push({ name, node, mirror, points: new Map(), sat: new Map(), walletSat: 0 });
      await mirror.start();
    }
  });
  after(async () => {
    for (const { mirror } of victims) await mirror[Symbol.asyncDispose]();
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const victim = (index: number): Victim => {
    const found = victims[index];
    assert.ok(found !== undefined);
    return found;
  };
  const pointOf = ({ points }: Victim, fate: Fate): string => points.get(fate) ?? "";
  const limboOf = (one: Victim): readonly string[] =>
    inLimbo.map((fate) => pointOf(one, fate)).sort();
  const confirmed = async (node: LndNode): Promise<number> =>
    Number((await node.query(balanceSchema, "walletbalance")).confirmed_balance);

  it("channels of each fate are open", async () => {
    const own: readonly (readonly [Fate, LndNode, number, "anchors" | "tweakless"])[] = [
      ["long", bob, 3_000_000, "anchors"],
      ["longToo", bob, 2_000_000, "tweakless"],
      ["short", carol, 1_500_000, "anchors"],
      ["open", bob, 800_000, "anchors"],
    ];
    // Each node has one coin, which pays for one channel a block.
    for (const [round, [fate, to, sat, type]] of own.entries()) {
      const opening = victims.map((one) => ({
        points: one.points,
        fate,
        from: one.node,
        to,
        sat,
        type,
      }));
      for (const { points, node } of victims.slice(round, round + 1)) {
        const remote = { points, fate: "remote", from: carol, to: node } as const;
        opening.push({ ...remote, sat: 500_000, type: "anchors" });
      }
      const opened = await network.openChannels(opening);
      for (const [index, it] of opening.entries()) it.points.set(it.fate, opened[index] ?? "");
    }
    for (const { node } of victims) await network.pay(carol, node, 60_000);
    for (const { node, points, sat } of victims) {
      const { channels } = await waitFor(
        `${node.name}'s balances at rest`,
        async () => {
          const found = await node.query(openSchema, "listchannels");
          const remote = found.channels.find((it) => it.channel_point === points.get("remote"));
          return remote?.local_balance === "60000" ? found : undefined;
        },
        { timeoutMs: 20_000 },
      );
      const local = new Map(channels.map((it) => [it.channel_point, Number(it.local_balance)]));
      for (const [fate, point] of points) sat.set(fate, local.get(point) ?? 0);
    }
    for (const { mirror } of victims) await mirror.expectSaved();
  });

  it("most of them close: lnd exports them no more, and the pointer names what holds them", async () => {
    for (const one of victims) one.walletSat = await confirmed(one.node);
    closingFromHeight = (await network.btcd.height()) + 1;
    for (const one of victims) {
      for (const fate of ["long", "longToo", "short"] as const) {
        await network.closeChannel(one.node, pointOf(one, fate), "force");
      }
      await network.closeChannel(carol, pointOf(one, "remote"), "force");
    }
    await network.mine(closeConfirmations);
    for (const one of victims) {
      await waitFor(
        `the pointer of ${one.name} to name its funds in limbo`,
        async () => {
          const { bytes } = await bucket.current(one.mirror.folder);
          const latest = await bucket.get(`${one.mirror.folder}/latest.json`);
          const { alsoRestore = [] } = decodePointer(latest.bytes, "latest.json");
          const named = alsoRestore.flatMap(({ channelPoints }) => channelPoints);
          const exported = await one.node.verifyChanBackup(bytes);
          const isAll =
            isDeepStrictEqual(named.sort(), limboOf(one)) &&
            isDeepStrictEqual(exported, [pointOf(one, "open")]);
          return isAll ? true : undefined;
        },
        { timeoutMs: 45_000, everyMs: 300, details: () => one.node.logTail() },
      );
    }
  });

  it("their disks die, with a sweep still on its way", async () => {
    await waitFor(
      "the sweeps of what was locked for two blocks",
      async () => ((await network.btcd.mempool()).length >= victims.length ? true : undefined),
      { timeoutMs: 30_000 },
    );
    for (const { mirror, node } of victims) {
      await mirror[Symbol.asyncDispose]();
      await node.kill();
      await rm(node.lnddir, { recursive: true });
    }
    const again = await Promise.all(
      victims.map(({ name, node: { words } }) =>
        network.addNode(
          { name: `${name} again`, wallet: { words, recoveryWindow: 100 } },
          { funded: false },
        ),
      ),
    );
    for (const [index, node] of again.entries()) victim(index).node = node;
    for (const { node, walletSat } of victims) assert.equal(await confirmed(node), walletSat);
  });

  /** A folder of its own for each, with `lncli` for its node. */
  const homeOf = async ({ name, node }: Victim): Promise<string> => {
    const home = join(folder, name);
    await mkdir(join(home, "bin"), { recursive: true });
    const lncli = join(home, "bin", "lncli");
    await writeFile(lncli, `#!/bin/sh\nexec '${node.lncliCommand.join("' '")}' "$@"\n`);
    await chmod(lncli, 0o755);
    return home;
  };
  const typeIn = async (one: Victim, commands: string): Promise<string> => {
    const home = await homeOf(one);
    const PATH = `${join(home, "bin")}:${process.env["PATH"]}`;
    return runCommand("bash", ["--norc", "-euo", "pipefail", "-c", commands], {
      cwd: home,
      env: { ...emergency, PATH, HOME: home },
      timeoutMs: 60_000,
    });
  };
  const restore = async (one: Victim, args: readonly string[]) => {
    const to = ["--to", `s3://${storeName}/nodes`, "--node", one.node.pubkey, "--json"];
    const all = ["restore", "--network", "simnet", ...to, ...args];
    const done = await runCli(all, { env: emergency, cwd: await homeOf(one) });
    assert.equal(done.code, 0, done.stderr);
    const facts = restoredSchema.parse(done.json());
    assert.equal(facts.newest, true);
    const named = facts.also.flatMap(({ channelPoints }) => channelPoints);
    assert.deepEqual(named.sort(), limboOf(one));
    return facts;
  };

  it("alice: files, and the lines for lncli that restore has printed", async () => {
    const alice = victim(0);
    const { next, also } = await restore(alice, []);
    assert.equal(next.split(" && ").length, 1 + also.length);
    await typeIn(alice, next);
  });

  it("dave: --to-lnd, in one step", async () => {
    const dave = victim(1);
    const { rpcserver, tlsCertPath, adminMacaroonPath } = dave.node;
    const node = ["--rpcserver", rpcserver, "--tlscertpath", tlsCertPath];
    const args = ["--to-lnd", ...node, "--macaroonpath", adminMacaroonPath];
    assert.equal((await restore(dave, args)).restored, fates.length);
    assert.equal((await restore(dave, args)).restored, 0);
  });

  it("erin: stock tools alone, as the page says", async () => {
    const erin = victim(2);
    const names = pageCommands(/^STORE=/m, {
      "03ab…": erin.node.pubkey,
      "my-bucket/lightning": `${storeName}/nodes`,
    });
    const withCurl = pageCommands(/^ENDPOINT=/, {
      "https://s3.eu-central-1.amazonaws.com": minio.endpoint,
      "eu-central-1": minio.region,
    });
    const home = await homeOf(erin);
    const token = `header = "x-amz-security-token: ${emergency["AWS_SESSION_TOKEN"]}"\n`;
    await writeFile(join(home, ".curlrc"), token, { mode: 0o600 });
    await typeIn(erin, `${names}\n${withCurl}`);
    assert.ok((await readdir(home)).includes("channel.also-1.backup"));
    await typeIn(erin, pageCommands(/verifychanbackup/));
    await typeIn(erin, pageCommands(/also-\*\.backup/));
  });

  it("blocks pass, and every lock ends", async () => {
    const areResolved = async ({ node }: Victim): Promise<boolean> => {
      const { channels } = await node.query(closedSchema, "closedchannels");
      const wallet = await node.query(balanceSchema, "walletbalance");
      return channels.length === fates.length && wallet.total_balance === wallet.confirmed_balance;
    };
    await waitFor(
      "the channels of all resolved",
      async () => {
        await network.mine(1);
        const resolved = await Promise.all(victims.map(areResolved));
        return resolved.every((it) => it) ? true : undefined;
      },
      {
        timeoutMs: 120_000,
        everyMs: 500,
        details: () => victims.map(({ node }) => node.logTail()).join("\n"),
      },
    );
  });

  it("the last rescan finds what had no block when the wallets were made anew", async () => {
    for (const one of victims) {
      const before = await confirmed(one.node);
      await rescanByPage(one.node, (commands) => typeIn(one, commands));
      const found = (await confirmed(one.node)) - before;
      const short = one.sat.get("short") ?? 0;
      assert.ok(found > short - 20_000 && found < short, `${one.name} found ${found} sat`);
    }
  });

  it("every sat is home, less the fees that the chain has taken", async () => {
    for (const one of victims) {
      const points = [...one.points.values()];
      const { paidOut, feesSat } = await followHome(
        network.btcd,
        one.node,
        points,
        closingFromHeight,
      );
      const owed = new Map([...one.sat].map(([fate, sat]) => [pointOf(one, fate), sat]));
      assert.deepEqual([...paidOut].sort(), [...owed].sort(), one.name);
      const channelSat = [...owed.values()].reduce((sum, sat) => sum + sat, 0);
      assert.equal(await confirmed(one.node), one.walletSat + channelSat - feesSat, one.name);
      assert.ok(feesSat > 0 && feesSat < 40_000, `${one.name} paid ${feesSat} sat of fees`);
    }
  });
});
