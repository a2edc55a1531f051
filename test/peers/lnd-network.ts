import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Btcd, startBtcd } from "./btcd.ts";
import { fund, minerAddress } from "./faucet.ts";
import { type LndNode, type LndNodeOptions, startLndNode } from "./lnd-node.ts";
import { provisionLnd } from "./provision.ts";
import { waitFor } from "./wait-for.ts";

export interface LndNetworkOptions {
  /** A bare name stands for a node with `--noseedbackup`. */
  readonly nodes: readonly (string | LndNodeOptions)[];
}

export interface ChannelEnds {
  readonly from: LndNode;
  readonly to: LndNode;
}

export interface OpenChannelOptions {
  /** Capacity in satoshis, all on the opener's side. */
  readonly sat: number;
  /** Not announced. Default: false, except for taproot, which must be. */
  readonly private?: boolean;
  /** Default: what lnd chooses, anchors. */
  readonly type?: "tweakless" | "anchors" | "taproot";
}

/** A small Lightning network on simnet: one btcd, a few lnd, all on 127.0.0.1. */
export interface LndNetwork extends AsyncDisposable {
  readonly btcd: Btcd;
  node(name: string): LndNode;
  /** Starts one more node, with 10 BTC unless `funded` is false. */
  addNode(options: string | LndNodeOptions, settings?: { funded?: boolean }): Promise<LndNode>;
  /** Mines, and returns when every node that runs has seen the last block. */
  mine(count: number): Promise<void>;
  /** Returns when both ends know that they are connected. */
  connect(from: LndNode, to: LndNode): Promise<void>;
  /**
   * Opens a channel, mines it, and returns its channel point when both ends say that it is active
   * and know each other's policy: earlier it can't be closed.
   */
  openChannel(from: LndNode, to: LndNode, options: OpenChannelOptions): Promise<string>;
  /** Opens several at once, each from a different node: a wallet starts with only one confirmed coin. */
  openChannels(channels: readonly (ChannelEnds & OpenChannelOptions)[]): Promise<string[]>;
  /** Returns when the closing transaction waits for a block. Mine 6 until it is settled. */
  closeChannel(node: LndNode, channelPoint: string, how?: "coop" | "force"): Promise<void>;
  /** Pays over any available route. */
  pay(from: LndNode, to: LndNode, sat: number): Promise<void>;
}

const fundsBtc = 10;
/** Segwit and taproot are active from here, and the first 300 coinbases are ripe. */
const firstHeight = 400;
const peersSchema = z.object({ peers: z.array(z.object({ pub_key: z.string() })) });
const channelsSchema = z.object({
  channels: z.array(z.object({ channel_point: z.string() })),
});
const edgeSchema = z.object({
  node1_policy: z.object({}).nullable(),
  node2_policy: z.object({}).nullable(),
});

/** Starts the network; its nodes are funded and in sync. Builds lnd if it isn't cached. */
export async function startLndNetwork({ nodes: specs }: LndNetworkOptions): Promise<LndNetwork> {
  const binaries = await provisionLnd();
  const folder = await mkdtemp(join(tmpdir(), "scb-lnd-"));
  const btcd = await startBtcd(binaries, join(folder, "btcd"), minerAddress);
  const nodes = new Map<string, LndNode>();
  let coinbaseHeight = 1;

  const wait = <T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> =>
    waitFor(what, attempt, {
      timeoutMs: 60_000,
      everyMs: 200,
      details: () => [btcd, ...nodes.values()].map((peer) => peer.logTail()).join("\n"),
    });

  const mine = async (count: number): Promise<void> => {
    const height = await btcd.mine(count);
    const schema = z.object({ block_height: z.number(), synced_to_chain: z.boolean() });
    const running = [...nodes.values()].filter((node) => node.isRunning());
    await Promise.all(
      running.map((node) =>
        wait(`${node.name} at height ${height}`, async () => {
          const info = await node.query(schema, "getinfo");
          return info.block_height >= height && info.synced_to_chain ? true : undefined;
        }),
      ),
    );
  };

  const start = async (spec: string | LndNodeOptions): Promise<LndNode> => {
    const options = typeof spec === "string" ? { name: spec } : spec;
    const node = await startLndNode(binaries, btcd, folder, options);
    nodes.set(node.name, node);
    return node;
  };

  const fundAll = async (funded: readonly LndNode[]): Promise<void> => {
    const addressSchema = z.object({ address: z.string() });
    const addresses: string[] = [];
    for (const node of funded) {
      // btcd's createrawtransaction doesn't support witness addresses.
      addresses.push((await node.query(addressSchema, "newaddress", "np2wkh")).address);
    }
    while (addresses.length > 0) {
      await fund(btcd, addresses.splice(0, 4), fundsBtc, coinbaseHeight++);
    }
    await mine(1);
    const balanceSchema = z.object({ confirmed_balance: z.string() });
    for (const node of funded) {
      await wait(`the funds of ${node.name}`, async () => {
        const balance = await node.query(balanceSchema, "walletbalance");
        return Number(balance.confirmed_balance) >= fundsBtc * 1e8 ? true : undefined;
      });
    }
  };

  const network: LndNetwork = {
    btcd,
    mine,
    node(name) {
      const node = nodes.get(name);
      if (node === undefined) throw new Error(`no node is named ${name}`);
      return node;
    },
    async addNode(options, { funded = true } = {}) {
      const node = await start(options);
      if (funded) await fundAll([node]);
      return node;
    },
    async connect(from, to) {
      const isPeer = async (one: LndNode, other: LndNode): Promise<boolean> => {
        const { peers } = await one.query(peersSchema, "listpeers");
        return peers.some((peer) => peer.pub_key === other.pubkey);
      };
      await wait(`${from.name} connected to ${to.name}`, async () => {
        if ((await isPeer(from, to)) && (await isPeer(to, from))) return true;
        await from.lncli("connect", `${to.pubkey}@${to.listenHost}`);
        return undefined;
      });
    },
    async openChannel(from, to, options) {
      const [channelPoint = ""] = await network.openChannels([{ from, to, ...options }]);
      return channelPoint;
    },
    async openChannels(channels) {
      const opened: (ChannelEnds & { readonly channelPoint: string })[] = [];
      for (const { from, to, ...options } of channels) {
        opened.push({ from, to, channelPoint: await fundChannel(from, to, options) });
      }
      await mine(6);
      for (const { from, to, channelPoint } of opened) {
        for (const node of [from, to]) await waitUntilUsable(node, channelPoint);
      }
      return opened.map(({ channelPoint }) => channelPoint);
    },
    async closeChannel(node, channelPoint, how = "coop") {
      const waiting = new Set(await btcd.mempool());
      const flags = how === "force" ? ["--force"] : [];
      await node.lncli("closechannel", `--chan_point=${channelPoint}`, ...flags);
      await wait(`the closing transaction of ${channelPoint}`, async () =>
        (await btcd.mempool()).find((txid) => !waiting.has(txid)),
      );
    },
    async pay(from, to, sat) {
      const invoiceSchema = z.object({ payment_request: z.string() });
      const invoice = await to.query(invoiceSchema, "addinvoice", `--amt=${sat}`);
      // A first payment may find no route until both ends have heard of the channel.
      await wait(`${from.name} paying ${to.name}`, async () => {
        await from.lncli("payinvoice", "--force", "--json", invoice.payment_request);
        return true;
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...nodes.values()].map((node) => node.kill()));
      await btcd.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };

  /** Returns when the channel waits for its first block. */
  const fundChannel = async (
    from: LndNode,
    to: LndNode,
    { sat, type, private: isPrivate = type === "taproot" }: OpenChannelOptions,
  ): Promise<string> => {
    await network.connect(from, to);
    const before = new Set(await from.channelPoints());
    const flags = [
      ...(isPrivate ? ["--private"] : []),
      ...(type === undefined ? [] : [`--channel_type=${type}`]),
    ];
    await from.lncli("openchannel", `--node_key=${to.pubkey}`, `--local_amt=${sat}`, ...flags);
    return wait(`a channel from ${from.name} to ${to.name}`, async () =>
      (await from.channelPoints()).find((point) => !before.has(point)),
    );
  };

  const waitUntilUsable = (node: LndNode, channelPoint: string): Promise<true> =>
    wait(`${channelPoint} active at ${node.name}`, async () => {
      const { channels } = await node.query(channelsSchema, "listchannels", "--active_only");
      if (!channels.some((channel) => channel.channel_point === channelPoint)) return undefined;
      const edge = await node.query(edgeSchema, "getchaninfo", `--chan_point=${channelPoint}`);
      return edge.node1_policy !== null && edge.node2_policy !== null ? true : undefined;
    });

  try {
    await btcd.mine(firstHeight);
    const started = await Promise.allSettled(specs.map(start));
    for (const result of started) if (result.status === "rejected") throw result.reason;
    await fundAll([...nodes.values()]);
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
  return network;
}
