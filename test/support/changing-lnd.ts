import { setTimeout as delay } from "node:timers/promises";
import type { Http2SessionManager } from "@connectrpc/connect-node";
import { z } from "zod";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { type LndOracle, startLndOracle } from "../peers/lnd-oracle.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type HeardBackup, hearBackups, sessionWith } from "./backup-stream.ts";
import { type BackupChannels, NodeStates } from "./node-states.ts";

const singleSchema = z.object({
  single: z.object({ fundingOutpoint: z.string(), shortChannelId: z.string() }),
});
const channelsSchema = z.object({ channels: z.array(z.object({ channel_point: z.string() })) });

/** How many channels are opened and become active in one block, and how many of them then stay open. */
const openedAtOnce = 3;
const keptOpen = 3;
const quietMs = 300;
const eventually = { timeoutMs: 120_000, everyMs: 20 };

/**
 * A real lnd whose channels open and close, one step at a time. lnd's own code decrypts its backups
 * with the node's seed, so none of the program under test is involved.
 */
export class ChangingLnd implements AsyncDisposable {
  readonly node: LndNode;
  readonly states = new NodeStates();
  readonly #network: LndNetwork;
  readonly #peer: LndNode;
  readonly #oracle: LndOracle;
  readonly #backupKey: Uint8Array;
  readonly #session: Http2SessionManager;
  readonly #heard: HeardBackup[] = [];
  readonly #hearing: Promise<void>;
  #decoding: Promise<void> = Promise.resolve();
  #pending = 0;

  private constructor(
    network: LndNetwork,
    oracle: LndOracle,
    backupKey: Uint8Array,
    session: Http2SessionManager,
  ) {
    this.#network = network;
    this.node = network.node("alice");
    this.#peer = network.node("bob");
    this.#oracle = oracle;
    this.#backupKey = backupKey;
    this.#session = session;
    this.#hearing = hearBackups(this.node, session, (heard) => {
      this.#heard.push(heard);
      this.#decoding = this.#decoding.then(async () =>
        this.states.hear(await this.channelsOf(heard.packed), heard.atMs),
      );
    });
  }

  static async start(): Promise<ChangingLnd> {
    const args = ["--bitcoin.defaultchanconfs=1"];
    const network = await startLndNetwork({
      nodes: [
        { name: "alice", wallet: {}, args },
        { name: "bob", args },
      ],
    });
    try {
      const alice = network.node("alice");
      await network.connect(alice, network.node("bob"));
      const oracle = await startLndOracle();
      const entropy = await oracle.readWords(alice.words, "");
      const [backupKey] = await oracle.deriveKeys(entropy, 1, [{ family: 7, index: 0 }]);
      if (backupKey === undefined) throw new Error("lnd's code derived no key");
      const lnd = new ChangingLnd(network, oracle, backupKey, await sessionWith(alice));
      lnd.states.hear(await lnd.channelsOf(await alice.exportChanBackup()), Date.now());
      return lnd;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What lnd's code reads in a packed Multi. */
  async channelsOf(packed: Uint8Array): Promise<BackupChannels> {
    const singles = await this.#oracle.unpackMulti(this.#backupKey, packed);
    return new Map(
      singles
        .map((read) => singleSchema.parse(read).single)
        .map(({ fundingOutpoint, shortChannelId }) => [fundingOutpoint, shortChannelId]),
    );
  }

  /**
   * Opens a channel, or mines the pending opens and closes. lnd then has at least one more state, which
   * it has announced. Returns when lnd has announced nothing new for a while.
   */
  async change(): Promise<void> {
    const had = this.states.newest;
    if (this.#pending < openedAtOnce) await this.#open();
    else await this.#mine();
    await waitFor("a change of lnd's backup", () => (this.states.newest > had ? true : undefined), {
      ...eventually,
      details: () => this.node.logTail(),
    });
    for (let heard = -1; heard !== this.#heard.length; ) {
      heard = this.#heard.length;
      await delay(quietMs);
      await this.#decoding;
    }
  }

  async #open(): Promise<void> {
    const flags = [`--node_key=${this.#peer.pubkey}`, "--local_amt=100000", "--private"];
    // lnd opens no channels while it processes a block.
    await waitFor(
      "a channel to be opened",
      () => this.node.lncli("openchannel", ...flags, "--min_confs=0"),
      { ...eventually, everyMs: 200, details: () => this.node.logTail() },
    );
    this.#pending += 1;
  }

  /** Closes the oldest channels; the new ones become active in the same blocks. */
  async #mine(): Promise<void> {
    const { channels } = await this.node.query(channelsSchema, "listchannels", "--active_only");
    const opened = channels.map(({ channel_point }) => channel_point);
    const inOrder = this.states.inOrderOfOpening(opened);
    for (const point of inOrder.slice(0, Math.max(0, inOrder.length - keptOpen))) {
      await this.#network.closeChannel(this.node, point);
    }
    await this.#network.btcd.mine(6);
    this.#pending = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.abort();
    await this.#hearing;
    await this.#decoding;
    await this.#oracle[Symbol.asyncDispose]();
    await this.#network[Symbol.asyncDispose]();
  }
}
