import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Snapshot } from "../../src/chanbackup/snapshot.ts";
import { resolveLndConfig } from "../../src/node/lnd/lnd-config.ts";
import { LndNode as LndClient } from "../../src/node/lnd/lnd-node.ts";
import { LndSource } from "../../src/node/lnd/lnd-source.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { Follower, Heard } from "../node/source-probe.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { followHome } from "../support/chain-accounts.ts";
import { bakeLeastPrivilege } from "../support/lnd-mirror.ts";

/** What bob demands of alice: her own force close locks her funds up for so long. */
const lockBlocks = 20;
/** lnd believes in a close of a channel of this size when it is so deep (`CloseConfsForCapacity`). */
const closeConfirmations = 3;
/** Of the outputs that let either side raise the fee; nobody sweeps one that costs more than it holds. */
const anchorSat = 330;

const closedSchema = z.object({ channels: z.array(z.object({ channel_point: z.string() })) });
const openSchema = z.object({
  channels: z.array(z.object({ channel_point: z.string(), local_balance: z.string() })),
});
const balanceSchema = z.object({ total_balance: z.string(), confirmed_balance: z.string() });
const restoredSchema = z.object({ num_restored: z.number() });

/** Alice's channels: those that she force closes are named by their type. */
type Name = "anchors" | "taproot" | "tweakless" | "remote" | "coop" | "resolved" | "open";
const forced = ["anchors", "taproot", "tweakless"] as const;

/** The state of a node's channels, by name. */
interface Whereabouts {
  readonly exported: readonly Name[];
  readonly file: readonly Name[];
  /** With the sats that are to come, and the height at which the lock ends. */
  readonly limbo: readonly (readonly [Name, sat: number, maturityHeight: number | null])[];
  readonly resolved: readonly Name[];
}

// What lnd does with a channel that closes, and what a restore makes of it: the mirror relies on that.
// Each test continues from the state that the previous one left.
peerSuite("funds in limbo, at a real lnd", ["lnd"], () => {
  let network: LndNetwork;
  let folder: string;
  let alice: LndNode;
  let bob: LndNode;
  let carol: LndNode;
  let client: LndClient;
  let source: LndSource;
  let follower: Follower;
  const snapshots: Snapshot[] = [];
  const names = new Map<string, Name>();
  /** Of alice's channels while they were open. */
  const localSat = new Map<Name, number>();
  /** Alice's backup when every channel was open. */
  let older: Uint8Array;
  let current: Uint8Array;
  let walletSat: number;
  let closingFromHeight: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-limbo-"));
    // So small a budget that lnd never sweeps the little that is alice's in carol's channel.
    const miserly = ["--sweeper.budget.tolocalratio=0.001"];
    network = await startLndNetwork({
      nodes: [
        { name: "alice", wallet: {}, args: miserly },
        { name: "bob", args: [`--bitcoin.defaultremotedelay=${lockBlocks}`] },
        "carol",
      ],
    });
    [alice, bob, carol] = [network.node("alice"), network.node("bob"), network.node("carol")];
    await watch(alice);
    source = new LndSource({
      node: client,
      observer: new Heard(),
      clock: systemClock,
      random: systemRandom,
    });
    follower = new Follower(source, async (reason) => {
      snapshots.push(await source.snapshot(reason));
    });
  });
  after(async () => {
    await source?.close();
    await follower?.[Symbol.asyncDispose]();
    client?.close();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Has what is asked below answered by this node. */
  const watch = async (node: LndNode): Promise<void> => {
    client?.close();
    const { rpcserver, lnddir } = node;
    const macaroonpath = await bakeLeastPrivilege(node);
    client = new LndClient(
      await resolveLndConfig({ rpcserver, lnddir, network: "simnet", macaroonpath }),
    );
  };
  const nameOf = (channelPoint: string): Name => {
    const name = names.get(channelPoint);
    assert.ok(name !== undefined, channelPoint);
    return name;
  };
  const pointOf = (name: Name): string => {
    const [point] = [...names].find(([, other]) => other === name) ?? [];
    assert.ok(point !== undefined, name);
    return point;
  };
  const satOf = (name: Name): number => localSat.get(name) ?? 0;
  const named = (list: readonly Name[]): readonly Name[] => list.toSorted();
  const byName = (points: readonly string[]): readonly Name[] => points.map(nameOf).sort();

  const whereabouts = async (node: LndNode): Promise<Whereabouts> => {
    const file = await readFile(node.channelBackupPath);
    const { channels } = await node.query(closedSchema, "closedchannels");
    const { limbo } = await client.closingChannels();
    return {
      exported: byName(await node.verifyChanBackup(await node.exportChanBackup())),
      file: byName(await node.verifyChanBackup(file)),
      limbo: limbo
        .map((one) => [nameOf(one.channelPoint), one.limboSat, one.maturityHeight] as const)
        .sort(([one], [other]) => one.localeCompare(other)),
      resolved: byName(channels.map(({ channel_point }) => channel_point)),
    };
  };
  const expect = async (what: string, expected: Partial<Whereabouts>): Promise<void> => {
    let found: Whereabouts | undefined;
    await waitFor(
      what,
      async () => {
        found = await whereabouts(alice);
        return isDeepStrictEqual({ ...found, ...expected }, found) ? true : undefined;
      },
      { timeoutMs: 20_000, details: () => `${JSON.stringify(found)}\n${alice.logTail()}` },
    );
  };
  const events = (): number =>
    follower.reasons.filter((reason) => reason === "channel-event").length;
  const nextEvent = (before: number): Promise<true> =>
    waitFor("an event", () => (events() > before ? true : undefined), { timeoutMs: 20_000 });
  const confirmed = async (node: LndNode): Promise<number> =>
    Number((await node.query(balanceSchema, "walletbalance")).confirmed_balance);

  it("channels of each fate are open", async () => {
    for (const [name, from, to, sat, type] of [
      ["anchors", alice, bob, 3_000_000, "anchors"],
      ["tweakless", alice, bob, 2_000_000, "tweakless"],
      ["taproot", alice, bob, 1_000_000, "taproot"],
      ["open", alice, bob, 800_000, "anchors"],
      ["resolved", alice, bob, 700_000, "anchors"],
      ["coop", alice, bob, 600_000, "anchors"],
      ["remote", carol, alice, 500_000, "anchors"],
    ] as const) {
      names.set(await network.openChannel(from, to, { sat, type }), name);
    }
    await network.pay(carol, alice, 60_000);
    await network.pay(alice, bob, 50_000);
    const { channels } = await waitFor(
      "balances at rest",
      async () => {
        const found = await alice.query(openSchema, "listchannels");
        const remote = found.channels.find((one) => nameOf(one.channel_point) === "remote");
        return remote?.local_balance === "60000" ? found : undefined;
      },
      { timeoutMs: 20_000 },
    );
    for (const { channel_point, local_balance } of channels) {
      localSat.set(nameOf(channel_point), Number(local_balance));
    }
    older = await alice.exportChanBackup();
    const all = named([...forced, "coop", "open", "remote", "resolved"]);
    await expect("all open", { exported: all, file: all, limbo: [], resolved: [] });
  });

  it("a close by both: in the export and in limbo until lnd calls it resolved; the file lets it go first", async () => {
    const rest = named([...forced, "open", "remote", "resolved"]);
    const all = named(["coop", ...rest]);
    const limbo = [["coop", satOf("coop"), null]] as const;
    await network.closeChannel(alice, pointOf("coop"));
    await expect("broadcast", { exported: all, file: all, limbo, resolved: [] });
    for (let depth = 1; depth < closeConfirmations; depth += 1) {
      await network.mine(1);
      await expect(`${depth} deep`, { exported: all, file: rest, limbo, resolved: [] });
    }
    const before = events();
    await network.mine(1);
    await expect("resolved", { exported: rest, file: rest, limbo: [], resolved: ["coop"] });
    await nextEvent(before);
  });

  it("a force close by this node: the export lets it go under its lock; limbo keeps it to the end", async () => {
    const rest = named([...forced, "open", "remote"]);
    const all = named([...rest, "resolved"]);
    const name = "resolved";
    const waiting = [[name, satOf(name), null]] as const;
    await network.closeChannel(alice, pointOf(name), "force");
    const confirmedAt = (await network.btcd.height()) + 1;
    const maturesAt = confirmedAt + lockBlocks;
    const locked = [[name, satOf(name) + anchorSat, maturesAt]] as const;
    await expect("broadcast", { exported: all, file: all, limbo: waiting, resolved: ["coop"] });
    let before = events();
    for (let depth = 1; depth < closeConfirmations; depth += 1) {
      await network.mine(1);
      await expect(`${depth} deep`, { exported: all, file: all, limbo: waiting });
    }
    assert.equal(events(), before, "the broadcast and the first blocks send nothing");
    await network.mine(1);
    await expect("closed", { exported: rest, file: all, limbo: locked, resolved: ["coop"] });
    await nextEvent(before);
    await network.mine(3);
    await expect("6 deep", { exported: rest, file: all, limbo: locked });
    assert.deepEqual(await network.btcd.mempool(), []);
    await network.mine(maturesAt - 1 - (await network.btcd.height()));
    // The sweep is sent one block before the lock ends, to be in the block that it ends with.
    await waitFor("the sweep", async () => (await network.btcd.mempool())[0], {
      timeoutMs: 20_000,
    });
    await expect("being swept", { exported: rest, file: all, limbo: locked, resolved: ["coop"] });
    before = events();
    await network.mine(1);
    const resolved = ["coop", name] as const;
    await expect("resolved", { exported: rest, file: rest, limbo: [], resolved });
    await nextEvent(before);
  });

  it("several in limbo at once: ours under their lock, and the peer's, which lnd doesn't sweep", async () => {
    walletSat = await confirmed(alice);
    closingFromHeight = (await network.btcd.height()) + 1;
    for (const name of forced) await network.closeChannel(alice, pointOf(name), "force");
    await network.closeChannel(carol, pointOf("remote"), "force");
    const confirmedAt = (await network.btcd.height()) + 1;
    const sent = {
      exported: named([...forced, "open", "remote"]),
      limbo: forced.map((name) => [name, satOf(name), null] as const),
    };
    await expect("broadcast", sent);
    await network.mine(2);
    // What the peer sends lnd doesn't call closing before it believes in it.
    await expect("2 deep", sent);
    const before = events();
    await network.mine(1);
    const inLimbo = {
      exported: named(["open"]),
      file: named([...forced, "open"]),
      limbo: [
        ["anchors", satOf("anchors") + anchorSat, confirmedAt + lockBlocks],
        ["remote", satOf("remote") + anchorSat, confirmedAt + 1],
        ["taproot", satOf("taproot") + anchorSat, confirmedAt + lockBlocks],
        ["tweakless", satOf("tweakless"), confirmedAt + lockBlocks],
      ],
      resolved: named(["coop", "resolved"]),
    } as const;
    await expect("closed", inLimbo);
    await nextEvent(before);
    await network.mine(3);
    await expect("6 deep", inLimbo);
    assert.deepEqual(await network.btcd.mempool(), []);
    current = await alice.exportChanBackup();
  });

  it("no snapshot ever lacked a channel that wasn't resolved", async () => {
    const last = snapshots.at(-1);
    assert.deepEqual(byName(last?.channelPoints ?? []), ["open"]);
    const held = snapshots.map(
      ({ channelPoints, limbo }) =>
        new Set([...(channelPoints ?? []), ...(limbo ?? []).map((one) => one.channelPoint)]),
    );
    for (const name of named([...forced, "open", "remote"])) {
      const point = pointOf(name);
      const opened = held.findIndex((points) => points.has(point));
      assert.ok(opened >= 0 && held.slice(opened).every((points) => points.has(point)), name);
    }
  });

  it("the node is lost: the newest backup alone brings nothing of either back", async () => {
    await source.close();
    await alice.kill();
    await rm(alice.lnddir, { recursive: true });
    const wallet = { words: alice.words, recoveryWindow: 100 };
    alice = await network.addNode({ name: "alice again", wallet }, { funded: false });
    await watch(alice);
    assert.equal(await confirmed(alice), walletSat);
    assert.equal(await restore(current), 1);
    await mineUntil(() => areResolved(["open"]));
    const { paidOut, feesSat } = await broughtHome();
    assert.deepEqual(paidOut, [["open", satOf("open")]]);
    assert.equal(await confirmed(alice), walletSat + satOf("open") - feesSat);
    await expect("nothing else known", { limbo: [], resolved: ["open"] });
  });

  it("an older one after it brings back every sat, and what was resolved does no harm", async () => {
    assert.equal(await restore(older), names.size - 1);
    await mineUntil(() => areResolved(byName([...names.keys()])));
    const { paidOut, feesSat } = await broughtHome();
    const owed = named([...forced, "open", "remote"]).map((name) => [name, satOf(name)] as const);
    assert.deepEqual(paidOut, owed);
    const channelSat = owed.reduce((sum, [, sat]) => sum + sat, 0);
    assert.equal(await confirmed(alice), walletSat + channelSat - feesSat);
    assert.ok(feesSat > 0 && feesSat < 30_000, `${feesSat} sat of fees`);
    await expect("all over", { exported: [], limbo: [] });
  });

  const restore = async (packed: Uint8Array): Promise<number> => {
    const path = join(folder, "restored.backup");
    await writeFile(path, packed);
    const restored = await alice.lncli("restorechanbackup", `--multi_file=${path}`);
    return restoredSchema.parse(restored).num_restored;
  };
  const areResolved = async (expected: readonly Name[]): Promise<boolean> => {
    const { channels } = await alice.query(closedSchema, "closedchannels");
    const wallet = await alice.query(balanceSchema, "walletbalance");
    return (
      isDeepStrictEqual(byName(channels.map(({ channel_point }) => channel_point)), expected) &&
      wallet.total_balance === wallet.confirmed_balance
    );
  };
  const mineUntil = (isDone: () => Promise<boolean>): Promise<true> =>
    waitFor(
      "the chain to settle it",
      async () => {
        await network.mine(1);
        return (await isDone()) ? true : undefined;
      },
      { timeoutMs: 120_000, everyMs: 1_000, details: () => alice.logTail() },
    );
  const broughtHome = async () => {
    const points = [...names.keys()];
    const home = await followHome(network.btcd, alice, points, closingFromHeight);
    const paidOut = [...home.paidOut].map(([point, sat]) => [nameOf(point), sat] as const);
    return { ...home, paidOut: paidOut.toSorted(([one], [other]) => one.localeCompare(other)) };
  };
});
