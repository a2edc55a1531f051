import {
  type LimboChannel,
  type NodeIdentity,
  type NodeWitness,
  type Snapshot,
  type SnapshotReason,
  type SnapshotSource,
  weightierReason,
} from "../../src/chanbackup/snapshot.ts";
import { throwIfAborted } from "../../src/runtime/abort.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { channelPoint, readBackup } from "./simulated-backup.ts";
import type { SimulatedNode } from "./simulated-node.ts";

export type SourceKind = "lnd" | "file";

export interface SourceWorld {
  readonly node: SimulatedNode;
  readonly kind: SourceKind;
  readonly identity: NodeIdentity;
  after(delayMs: number, act: () => void): void;
  deliver(what: string, act: () => void): void;
  /** Whether the backups in the folder are of the node that is asked. */
  readonly isOwnNode: boolean;
  /** How long a message to or from the node currently takes. */
  latencyMs(): number;
  /** It is asked for a backup. */
  readonly onAsked?: () => void;
  /** It is about to hand one out. */
  readonly onGiven?: (packed: Uint8Array) => void;
  /** It is about to say that the node doesn't answer. */
  readonly onSilence?: () => void;
}

const followUpMs = 2_000;

function limboChannel(channel: number): LimboChannel {
  return { channelPoint: channelPoint(channel), limboSat: 1_000, maturityHeight: null };
}

/**
 * One process's view of the node: over gRPC, where each export has other bytes and lnd has verified
 * them, or lnd's own file, of which nobody knows anything.
 */
export class SimulatedSource implements SnapshotSource {
  readonly description = "a simulated node";
  readonly witness: NodeWitness | null;
  /** The node's state at the last change that the mirror was told of. */
  heardState = 0;
  readonly #world: SourceWorld;

  constructor(world: SourceWorld) {
    this.#world = world;
    this.witness = world.kind === "lnd" ? this.#newWitness(world.node) : null;
  }

  async identify(): Promise<NodeIdentity> {
    return this.#world.identity;
  }

  async snapshot(reason: SnapshotReason, signal?: AbortSignal): Promise<Snapshot> {
    const { node, kind, onAsked, onGiven } = this.#world;
    onAsked?.();
    const snapshot = await this.#ask("snapshot", signal, (): Snapshot => {
      const isVerified = kind === "lnd" && node.glitch !== "text";
      const { exported, limbo } = node;
      return {
        packed: kind === "lnd" ? node.pack() : node.packedFile(),
        channelPoints: isVerified ? exported.map(channelPoint) : null,
        bareChannelPoints: null,
        limbo: isVerified ? limbo.map(limboChannel) : null,
        takenAt: 0,
        reason,
        verifiedBy: isVerified ? "lnd" : null,
      };
    });
    onGiven?.(snapshot.packed);
    return snapshot;
  }

  async *changes(signal: AbortSignal): AsyncGenerator<SnapshotReason> {
    const { node, kind, after, deliver, latencyMs } = this.#world;
    let due: SnapshotReason | null = null;
    let dueState = this.heardState;
    let wake: () => void = () => undefined;
    const tell = (reason: SnapshotReason, delayMs: number): void =>
      after(delayMs, () => {
        if (signal.aborted) return;
        const { state } = node;
        deliver(`hears "${reason}" (state ${state})`, () => {
          if (reason === "channel-event" || reason === "file-changed") dueState = state;
          due = weightierReason(due, reason);
          wake();
        });
      });
    const stopListening = node.listen((what) => {
      if (what === "changed") {
        tell(kind === "lnd" ? "channel-event" : "file-changed", latencyMs());
      } else {
        tell("reconnected", latencyMs());
        tell("follow-up", followUpMs);
      }
    });
    const onAbort = (): void => wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      tell("start", latencyMs());
      if (kind === "lnd") tell("follow-up", followUpMs);
      while (!signal.aborted) {
        const reason = due;
        due = null;
        if (reason !== null) {
          this.heardState = dueState;
          yield reason;
          continue;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    } finally {
      stopListening();
    }
  }

  async close(): Promise<void> {}

  #newWitness(node: SimulatedNode): NodeWitness {
    return {
      openChannelPoints: (signal) =>
        this.#ask("open channels", signal, () => node.channels.map(channelPoint)),
      channelPointsOf: (packed, signal) =>
        this.#ask("channels of a backup", signal, () => {
          const backup = readBackup(packed);
          if (!this.#world.isOwnNode) throw new ScbError("decrypt", "simulated: not of this node");
          if (backup !== null) return backup.channels.map(channelPoint);
          throw new ScbError("decode", "simulated: this is no backup");
        }),
      closedChannelPoints: (signal) =>
        this.#ask("closed channels", signal, () => node.closedChannels.map(channelPoint)),
      limboChannels: (signal) =>
        this.#ask("channels in limbo", signal, () => node.limbo.map(limboChannel)),
    };
  }

  #ask<T>(what: string, signal: AbortSignal | undefined, look: () => T): Promise<T> {
    return askNode(this.#world, what, signal, look);
  }
}

/** A call to the node: it answers with its state at one moment between call and answer. */
export async function askNode<T>(
  {
    node,
    after,
    deliver,
    latencyMs,
    onSilence,
  }: Omit<SourceWorld, "kind" | "identity" | "isOwnNode">,
  what: string,
  signal: AbortSignal | undefined,
  look: () => T,
): Promise<T> {
  throwIfAborted(signal);
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(new ScbError("aborted", `stopped while asking: ${what}`));
    signal?.addEventListener("abort", onAbort, { once: true });
    after(latencyMs(), () => {
      const { state, isAway } = node;
      let conclude: () => void;
      try {
        if (isAway) throw new ScbError("node-unavailable", "simulated: the node is away");
        const answer = look();
        conclude = () => resolve(answer);
      } catch (error) {
        conclude = () => reject(error);
      }
      after(latencyMs(), () =>
        deliver(`${what}: ${isAway ? "the node is away" : `state ${state}`}`, () => {
          signal?.removeEventListener("abort", onAbort);
          if (isAway) onSilence?.();
          conclude();
        }),
      );
    });
  });
}
