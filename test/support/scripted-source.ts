import type {
  LimboChannel,
  NodeIdentity,
  Snapshot,
  SnapshotReason,
  SnapshotSource,
} from "../../src/chanbackup/snapshot.ts";
import type { ScbError } from "../../src/runtime/error.ts";
import { packedBytes } from "./mirror-fixture.ts";

/** A node whose state the test sets, and which announces a change when the test asks for it. */
export class ScriptedSource implements SnapshotSource {
  readonly description = "a scripted node";
  readonly witness = null;
  /** What the next snapshots hold. */
  packed: Uint8Array = packedBytes();
  channelPoints: readonly string[] | null = null;
  limbo: readonly LimboChannel[] | null = null;
  /** While set, every snapshot throws this. */
  failure: ScbError | null = null;
  snapshots = 0;
  readonly #pending: SnapshotReason[] = [];
  #wake: () => void = () => undefined;

  /** The node's state changes, to new bytes, and the node says so. */
  change(reason: SnapshotReason = "channel-event"): Uint8Array {
    this.packed = packedBytes();
    this.tell(reason);
    return this.packed;
  }

  tell(reason: SnapshotReason): void {
    this.#pending.push(reason);
    this.#wake();
  }

  identify(): Promise<NodeIdentity> {
    return Promise.resolve({ pubkey: null, network: "regtest" });
  }

  async snapshot(reason: SnapshotReason): Promise<Snapshot> {
    this.snapshots += 1;
    if (this.failure !== null) throw this.failure;
    const { packed, channelPoints, limbo } = this;
    const bareChannelPoints = channelPoints && [];
    const told = { channelPoints, bareChannelPoints, limbo, verifiedBy: null };
    return { packed, ...told, takenAt: 0, reason };
  }

  async *changes(signal: AbortSignal): AsyncGenerator<SnapshotReason> {
    signal.addEventListener("abort", () => this.#wake());
    while (!signal.aborted) {
      const reason = this.#pending.shift();
      if (reason !== undefined) {
        yield reason;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
