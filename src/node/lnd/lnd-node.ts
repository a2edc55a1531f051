import { sortedChannelPoints } from "../../chanbackup/channel-points.ts";
import type { PackedMulti } from "../../chanbackup/packed-multi.ts";
import type { LimboChannel, NodeIdentity } from "../../chanbackup/snapshot.ts";
import { type Network, networks } from "../../keychain/network.ts";
import { abortable, throwIfAborted } from "../../runtime/abort.ts";
import { ScbError } from "../../runtime/error.ts";
import { formatOutPoint } from "../../wire/out-point.ts";
import { closedIn, limboIn, restoredIn } from "./closing-channels.ts";
import type { ChannelPoint, PendingChannelsResponse } from "./gen/lnrpc_pb.ts";
import type { LndConfig } from "./lnd-config.ts";
import { defaultLndTiming, LndConnection, type LndTiming } from "./lnd-connection.ts";

/** A backup of all of lnd's channels, packed by lnd. */
export interface LndExport {
  readonly packed: PackedMulti;
  readonly channelPoints: readonly string[];
}

export interface LndClosingChannels {
  /** Channels that lnd has only because a backup was restored, and whose close it awaits. */
  readonly restored: readonly string[];
  /** As `NodeWitness.limboChannels`. */
  readonly limbo: readonly LimboChannel[];
}

/**
 * One lnd, over a series of connections. The first call after a connection was lost makes a new one, with
 * the certificate that is valid then. The new connection must first prove that the node at its end is
 * still the same, because another node's export would replace this one's backup. Every method throws what
 * `LndConnection.call` throws, "usage" if lnd isn't on the network that the operator named, and
 * "wrong-node" if it has become another node.
 */
export class LndNode {
  /** `lnd at host:port`. */
  readonly description: string;
  readonly #config: LndConfig;
  readonly #timing: LndTiming;
  #connection: LndConnection | null = null;
  #opening: Promise<LndConnection> | null = null;
  #identity: (NodeIdentity & { readonly pubkey: string; readonly network: Network }) | null = null;
  #isClosed = false;

  constructor(config: LndConfig, timing: LndTiming = defaultLndTiming) {
    this.description = `lnd at ${config.address}`;
    this.#config = config;
    this.#timing = timing;
  }

  /**
   * Identifies the node. It need not be in sync with the chain: it exports from its own database, and a
   * node that was away for a while is the last one whose backup should wait.
   */
  async identify(signal?: AbortSignal): Promise<{ pubkey: string; network: Network }> {
    const connection = await this.connection(signal);
    return this.#checkedIdentity(connection, signal);
  }

  /** Every channel that lnd has a backup for, packed by lnd. */
  async exportBackup(signal?: AbortSignal): Promise<LndExport> {
    const connection = await this.connection(signal);
    const { multiChanBackup } = await connection.call(
      "ExportAllChannelBackups",
      (client, options) => client.exportAllChannelBackups({}, options),
      signal,
    );
    return {
      packed: multiChanBackup?.multiChanBackup ?? new Uint8Array(),
      channelPoints: sortedChannelPoints(
        (multiChanBackup?.chanPoints ?? []).map(formatChannelPoint),
      ),
    };
  }

  /**
   * Lets lnd decrypt and parse a packed Multi, and returns its channel points. Throws "decrypt" if it
   * isn't this node's, "decode" if lnd can't read it.
   */
  async verify(packed: PackedMulti, signal?: AbortSignal): Promise<readonly string[]> {
    const connection = await this.connection(signal);
    const { chanPoints } = await connection.call(
      "VerifyChanBackup",
      (client, options) =>
        client.verifyChanBackup({ multiChanBackup: { multiChanBackup: packed } }, options),
      signal,
    );
    return sortedChannelPoints(chanPoints);
  }

  /**
   * Lets lnd restore the channels of a packed Multi: lnd asks their peers to close them. Returns how many
   * channels were new to lnd, which skips those that it has (lnd `RestoreChannelBackups`).
   */
  async restoreBackup(packed: PackedMulti, signal?: AbortSignal): Promise<number> {
    const connection = await this.connection(signal);
    const { numRestored } = await connection.call(
      "RestoreChannelBackups",
      (client, options) =>
        client.restoreChannelBackups(
          { backup: { case: "multiChanBackup", value: packed } },
          options,
        ),
      signal,
    );
    return numRestored;
  }

  /** Open channels, and those whose funding transaction awaits confirmation. */
  async openChannelPoints(signal?: AbortSignal): Promise<readonly string[]> {
    return sortedChannelPoints((await this.openBalances(signal)).keys());
  }

  /** As `NodeWitness.openBalances`. */
  async openBalances(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    // Pending channels come first: a channel that opens in between is then seen twice instead of missed.
    const pending = await this.#pendingChannels(signal);
    const connection = await this.connection(signal);
    const open = await connection.call(
      "ListChannels",
      (client, options) => client.listChannels({}, options),
      signal,
    );
    return new Map([
      ...pending.pendingOpenChannels.map(
        ({ channel }) => [channel?.channelPoint ?? "", Number(channel?.localBalance ?? 0)] as const,
      ),
      ...open.channels.map(
        ({ channelPoint, localBalance }) => [channelPoint, Number(localBalance)] as const,
      ),
    ]);
  }

  /** Channels that are no longer open nor yet fully resolved, classified from one call. */
  async closingChannels(signal?: AbortSignal): Promise<LndClosingChannels> {
    const pending = await this.#pendingChannels(signal);
    return { restored: restoredIn(pending), limbo: limboIn(pending) };
  }

  /** As `NodeWitness.closedChannelPoints`. */
  async closedChannelPoints(signal?: AbortSignal): Promise<readonly string[]> {
    // Pending channels come first, as above, because they become closed ones.
    const pending = await this.#pendingChannels(signal);
    const connection = await this.connection(signal);
    const closed = await connection.call(
      "ClosedChannels",
      (client, options) => client.closedChannels({}, options),
      signal,
    );
    return sortedChannelPoints(new Set(closedIn(pending, closed)));
  }

  /** The current connection, or a new one to a node that has proved to be the same. */
  async connection(signal?: AbortSignal): Promise<LndConnection> {
    this.#throwIfClosed();
    throwIfAborted(signal);
    if (this.#opening === null) {
      if (this.#connection?.isOpen === true) return this.#connection;
      this.#opening = this.#open().finally(() => {
        this.#opening = null;
      });
    }
    return abortable(this.#opening, signal);
  }

  async #pendingChannels(signal?: AbortSignal): Promise<PendingChannelsResponse> {
    const connection = await this.connection(signal);
    return connection.call(
      "PendingChannels",
      (client, options) => client.pendingChannels({}, options),
      signal,
    );
  }

  async #open(): Promise<LndConnection> {
    this.#connection?.abort();
    const certificate = await this.#config.credentials.readCertificate();
    // A connection made after close() would never be closed, and its pings would keep the process alive.
    this.#throwIfClosed();
    const connection = new LndConnection(this.#config, certificate, this.#timing);
    this.#connection = connection;
    try {
      await this.#checkedIdentity(connection);
      return connection;
    } catch (error) {
      connection.abort();
      throw error;
    }
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new ScbError("aborted", `${this.description} was closed`);
  }

  async #checkedIdentity(
    connection: LndConnection,
    signal?: AbortSignal,
  ): Promise<{ pubkey: string; network: Network }> {
    const info = await connection.call(
      "GetInfo",
      (client, options) => client.getInfo({}, options),
      signal,
    );
    const found = {
      pubkey: info.identityPubkey,
      network: knownNetwork(info.chains[0]?.network, this.description),
    };
    const named = this.#config.network;
    if (named !== null && found.network !== named) {
      throw new ScbError(
        "usage",
        `${this.description} is on ${found.network}, not on ${named}: correct --network or --rpcserver`,
      );
    }
    this.#identity ??= found;
    if (found.pubkey !== this.#identity.pubkey || found.network !== this.#identity.network) {
      throw new ScbError(
        "wrong-node",
        `${this.description} is now node ${found.pubkey} on ${found.network}, but was ${this.#identity.pubkey} on ${this.#identity.network}: correct --rpcserver, or restart scb-mirror to mirror the new node`,
      );
    }
    return found;
  }

  /** Ends every call and stream. May be called twice. */
  close(): void {
    this.#isClosed = true;
    this.#connection?.abort();
  }
}

function knownNetwork(name: string | undefined, description: string): Network {
  const network = networks.find((known) => known === name);
  if (network !== undefined) return network;
  throw new ScbError(
    "usage",
    `${description} is on a network that scb-mirror doesn't know: ${name}`,
  );
}

function formatChannelPoint({ fundingTxid, outputIndex }: ChannelPoint): string {
  const { case: kind, value } = fundingTxid;
  if (kind === "fundingTxidBytes") return formatOutPoint({ txid: value, index: outputIndex });
  return `${value ?? ""}:${outputIndex}`;
}
