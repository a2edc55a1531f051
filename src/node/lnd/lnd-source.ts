import { covers } from "../../chanbackup/channel-points.ts";
import { smallestPackedMultiSizeBytes } from "../../chanbackup/packed-multi.ts";
import type {
  NodeIdentity,
  NodeWitness,
  Snapshot,
  SnapshotReason,
  SnapshotSource,
  SourceObserver,
} from "../../chanbackup/snapshot.ts";
import { type BackoffOptions, backoffMs, defaultBackoff } from "../../runtime/backoff.ts";
import type { Clock } from "../../runtime/clock.ts";
import { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import { type DueReason, noticed } from "../due-reason.ts";
import type { LndConnection } from "./lnd-connection.ts";
import type { LndNode } from "./lnd-node.ts";
import { surveyLnd } from "./lnd-survey.ts";

export interface LndSourceTiming {
  /** How long after each connect a second snapshot is due. Default 2 s. */
  readonly followUpMs?: number;
  /** How often lnd must show that it still answers. Default 30 s. */
  readonly livenessIntervalMs?: number;
  /** After a connection has lasted this long, the next reconnect is quick again. Default 10 s. */
  readonly stableAfterMs?: number;
  readonly backoff?: BackoffOptions;
}

export interface LndSourceOptions extends LndSourceTiming {
  /** Owned by the source from now on: `close` closes it. */
  readonly node: LndNode;
  readonly observer: SourceObserver;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Snapshots of a running lnd, packed by lnd.
 *
 * lnd's stream of channel backups sends nothing when it begins, doesn't say that it has begun, and ends
 * without an error when lnd shuts down. So a snapshot is due at each connect and again a little later,
 * when the stream has surely begun; and whenever the stream ends, with or without an error, the source
 * reconnects. Its messages' contents are not used: a snapshot has to be taken after the store was read
 * (the swap protocol), so each message only says that one is due.
 */
export class LndSource implements SnapshotSource {
  readonly description: string;
  readonly witness: NodeWitness;
  readonly #options: LndSourceOptions;
  readonly #node: LndNode;
  readonly #closing = new AbortController();

  constructor(options: LndSourceOptions) {
    this.#options = options;
    this.#node = options.node;
    this.description = options.node.description;
    this.witness = {
      openChannelPoints: (signal) => this.#node.openChannelPoints(signal),
      openBalances: (signal) => this.#node.openBalances(signal),
      channelPointsOf: (packed, signal) => this.#node.verify(packed, signal),
      closedChannelPoints: (signal) => this.#node.closedChannelPoints(signal),
      restoredChannelPoints: async (signal) => (await this.#node.closingChannels(signal)).restored,
      limboChannels: async (signal) => (await this.#node.closingChannels(signal)).limbo,
      survey: async (signal) => surveyLnd(await this.#node.connection(signal), signal),
    };
  }

  async identify(signal?: AbortSignal): Promise<NodeIdentity> {
    return this.#node.identify(signal);
  }

  /**
   * lnd's export, which lnd then decrypts and parses again as for a restore. The restored channels are
   * asked for before and after the export, so that one restored or closed meanwhile is in one of the two
   * answers. The channels in limbo are those after it: a channel that the export lacks has left lnd's
   * open channels for good, so it is either in limbo or fully resolved. Throws "decode" if the bytes are
   * truncated or lack a channel that lnd says they hold.
   */
  async snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot> {
    const takenAt = this.#options.clock.now();
    const before = await this.#node.closingChannels(signal);
    const { packed, channelPoints } = await this.#node.exportBackup(signal);
    if (packed.length < smallestPackedMultiSizeBytes(channelPoints.length)) {
      throw new ScbError(
        "decode",
        `${this.description} exported ${packed.length} bytes for ${channelPoints.length} channels, so the export is truncated`,
      );
    }
    const [verified, after] = await Promise.all([
      this.#node.verify(packed, signal),
      this.#node.closingChannels(signal),
    ]);
    if (verified.length !== channelPoints.length || !covers(verified, channelPoints)) {
      throw new ScbError(
        "decode",
        `${this.description} exported a backup whose channels aren't those that it lists`,
      );
    }
    const restored = new Set([...before.restored, ...after.restored]);
    return {
      packed,
      channelPoints,
      bareChannelPoints: channelPoints.filter((point) => restored.has(point)),
      limbo: after.limbo,
      takenAt,
      reason,
      verifiedBy: "lnd",
    };
  }

  changes(signal: AbortSignal): AsyncGenerator<SnapshotReason, void> {
    const scope = AbortSignal.any([signal, this.#closing.signal]);
    return noticed(scope, (due, until) => this.#follow(due, until));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#node.close();
  }

  /** Stays connected until `signal` aborts. */
  async #follow(due: DueReason, signal: AbortSignal): Promise<void> {
    const { observer, clock, random } = this.#options;
    const stableAfterMs = this.#options.stableAfterMs ?? 10_000;
    const health = { isTroubled: false, hasConnected: false };
    let attempt = 0;
    while (!signal.aborted) {
      const startedAtMs = clock.monotonicMs();
      let error: ScbError;
      try {
        await this.#followConnection(due, health, signal);
        error = new ScbError(
          "node-unavailable",
          `${this.description} ended its stream of channel backups, as when it shuts down`,
        );
      } catch (cause) {
        error = ScbError.from(cause);
      }
      if (signal.aborted) return;
      attempt = clock.monotonicMs() - startedAtMs >= stableAfterMs ? 1 : attempt + 1;
      const retryInMs = Math.round(
        backoffMs(attempt, random, this.#options.backoff ?? defaultBackoff),
      );
      health.isTroubled = true;
      observer.trouble(error, retryInMs);
      await this.#pause(retryInMs, signal);
    }
  }

  /** Resolves when lnd ends the stream. Throws when the connection is lost. */
  async #followConnection(
    due: DueReason,
    health: { isTroubled: boolean; hasConnected: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const connection = await this.#node.connection(signal);
    const onAlive = (): void => {
      if (health.isTroubled) this.#options.observer.recovered();
      health.isTroubled = false;
    };
    const ended = new AbortController();
    const scope = AbortSignal.any([signal, ended.signal]);
    const reading = this.#read(connection, due, onAlive, scope);
    const watching = this.#watch(due, onAlive, scope);
    due.put(health.hasConnected ? "reconnected" : "start");
    health.hasConnected = true;
    try {
      await Promise.race([reading, watching]);
    } finally {
      ended.abort();
      connection.abort();
      // The race gave the result; the other promise ends because of it.
      await Promise.allSettled([reading, watching]);
    }
  }

  async #read(
    connection: LndConnection,
    due: DueReason,
    onAlive: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const _message of connection.channelBackups(signal)) {
      onAlive();
      due.put("channel-event");
    }
  }

  /**
   * A peer that silently disappears sends neither end nor error. Pings detect that, except for a hung
   * process behind a kernel that still answers. So lnd itself is asked as well.
   */
  async #watch(due: DueReason, onAlive: () => void, signal: AbortSignal): Promise<never> {
    const { clock } = this.#options;
    await clock.sleep(this.#options.followUpMs ?? 2_000, signal);
    // Not earlier: a stream that lnd refuses ends within milliseconds, which is no recovery.
    onAlive();
    due.put("follow-up");
    for (;;) {
      await clock.sleep(this.#options.livenessIntervalMs ?? 30_000, signal);
      await this.#node.identify(signal);
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
